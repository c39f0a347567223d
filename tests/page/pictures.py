"""Pictures of states: a screenshot is compared with the one that was kept, made smaller, with a tolerance.

``LOGONSCOPE_PICTURES=keep`` keeps new ones. Letters differ from font to font: pictures are compared only in a browser
that sets a sample text as wide as the one that made them.
"""

import base64
import json
import os
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

FOLDER = Path(__file__).parent / "pictures"
FINGERPRINT = FOLDER / "fonts.json"
IS_KEEPING = os.environ.get("LOGONSCOPE_PICTURES") == "keep"

SHRINK, BLOCK = 4, 16
"""Pixels of the screen for one of a picture, and pixels of the side of a block that is compared."""

MOST_DIFFERENT = 6
"""The mean difference of a block's channels, of 255, above which it differs."""

_SMALL = """async ([data, shrink]) => {
  const image = new Image();
  image.src = data;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.width / shrink;
  canvas.height = image.height / shrink;
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/webp", 0.9);
}"""

_COMPARE = """async ([one, other, block, most]) => {
  const pixels = [];
  for (const data of [one, other]) {
    const image = new Image();
    image.src = data;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.width;
    canvas.height = image.height;
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    pixels.push(context.getImageData(0, 0, canvas.width, canvas.height));
  }
  const [a, b] = pixels;
  if (a.width !== b.width || a.height !== b.height) return [`${a.width} x ${a.height}, not ${b.width} x ${b.height}`];
  const found = [];
  for (let top = 0; top < a.height; top += block)
    for (let left = 0; left < a.width; left += block) {
      let sum = 0, count = 0;
      for (let y = top; y < Math.min(top + block, a.height); y++)
        for (let x = left; x < Math.min(left + block, a.width); x++)
          for (let channel = 0; channel < 3; channel++, count++) {
            const at = 4 * (y * a.width + x) + channel;
            sum += Math.abs(a.data[at] - b.data[at]);
          }
      if (sum / count > most) found.push(`at ${left}, ${top}: ${(sum / count).toFixed(1)}`);
    }
  return found;
}"""

_FONTS = """() => {
  const context = document.createElement("canvas").getContext("2d"), style = getComputedStyle(document.documentElement);
  return ["--sans", "--mono"].map((name) => {
    context.font = `400 40px ${style.getPropertyValue(name)}`;
    return Math.round(context.measureText("Logonscope 4312 wi").width);
  });
}"""


class Pictures:
    """Compares screenshots, in a page of its own: the policy of the tested one allows it no pictures."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._are_comparable: bool | None = None

    def differences(self, page: Page, name: str) -> list[str]:
        """Return where a page differs from the picture that was kept."""
        if not self._can_compare(page):
            return []
        data = page.screenshot(animations="disabled", caret="hide")
        small: str = self._page.evaluate(_SMALL, [_url("png", data), SHRINK])
        path = FOLDER / f"{name}.webp"
        if IS_KEEPING:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(base64.b64decode(small.partition(",")[2]))
            return []
        if not path.exists():
            return [f"there is no picture {path.name}: keep it with LOGONSCOPE_PICTURES=keep"]
        kept = _url("webp", path.read_bytes())
        found: list[str] = self._page.evaluate(_COMPARE, [kept, small, BLOCK, MOST_DIFFERENT])
        return found

    def _can_compare(self, page: Page) -> bool:
        if self._are_comparable is None:
            fonts: Any = page.evaluate(_FONTS)
            if IS_KEEPING:
                FOLDER.mkdir(exist_ok=True)
                FINGERPRINT.write_text(json.dumps(fonts) + "\n")
            self._are_comparable = FINGERPRINT.exists() and json.loads(FINGERPRINT.read_text()) == fonts
        return self._are_comparable


def _url(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
