"""The pictures in docs/images, as a platform that has just begun shows the studio."""

from tests.e2e.support.api import Person
from tests.pictures.analytics import scroll_through
from tests.pictures.camera import Camera

WIDTH = 1440
# Where each is taken, and how much of the page it shows.
PICTURES = {
    "board": ("/pipeline", 900),
    "analytics": ("/analytics", 900),
    "odds": ("/analytics/deals", 720),
    "accuracy": ("/analytics/accuracy", 1100),
}


async def guide(camera: Camera) -> None:
    """One size and one theme of each, in a folder of their own."""
    workspaces = (await camera.demo.get("/workspaces"))["items"]
    (studio,) = (one for one in workspaces if one["name"] == "Studio")
    person = Person(camera.http, camera.demo.email, camera.demo.password)
    await person.sign_in()
    person.take(await person.post(f"/workspaces/{studio['id']}/switch"))
    here = await camera.window(person)
    for name, (path, height) in PICTURES.items():
        await here.page.set_viewport_size({"width": WIDTH, "height": height})
        await here.open(path)
        await scroll_through(here)
        await here.is_live()
        await here.page.screenshot(path=camera.folder / "guide" / f"{name}.png")
