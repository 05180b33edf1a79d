"""Waits for NATS, then makes the streams or brings them up to date."""

import asyncio
import os
