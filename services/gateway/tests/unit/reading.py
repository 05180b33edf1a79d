"""What tests read in pages."""

import html
import re


def hidden(page: str) -> dict[str, str]:
    """What a page holds without showing it."""
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page, re.DOTALL)
    return {name: html.unescape(value) for name, value in found}
