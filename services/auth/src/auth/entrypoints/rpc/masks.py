"""Which fields an update is about."""

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from auth.domain.errors import FieldNotWritable


def wanted(message: Message, mask: FieldMask, *, writable: tuple[str, ...]) -> dict[str, str]:
    """The values to write by field: those of the mask or, without one, the populated ones.

    Raises FieldNotWritable.
    """
    for path in mask.paths:
        if path not in writable:
            said = "This cannot be changed here."
            raise FieldNotWritable(f"{path} cannot be changed here.", fields={path: said})
    paths = list(mask.paths) or [name for name in writable if getattr(message, name)]
    return {path: getattr(message, path) for path in paths}
