"""The floor's contract, compiled when it is needed."""

import importlib
import sys
import tempfile
from pathlib import Path
from typing import Any

from grpc_tools import protoc  # type: ignore[import-untyped]

HERE = Path(__file__).parent


def load() -> tuple[Any, Any]:
    """Messages and stubs."""
    folder = tempfile.mkdtemp(prefix="floor-stubs-")
    options = [f"-I{HERE}", f"--python_out={folder}", f"--grpc_python_out={folder}"]
    if protoc.main(["protoc", *options, str(HERE / "floor.proto")]):
        raise RuntimeError("floor.proto cannot be compiled")
    sys.path.insert(0, folder)
    return importlib.import_module("floor_pb2"), importlib.import_module("floor_pb2_grpc")
