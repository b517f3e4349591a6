"""The picture of the house is up to date, and its rooms stand on the floors that imports are checked by."""

import xml.etree.ElementTree as ET
from itertools import pairwise

from tools import house

from .test_architecture import HEIGHT


def test_the_picture_is_the_one_that_is_drawn():
    drawn = house.PICTURE.read_text(encoding="utf-8")
    assert drawn == house.picture(), "python -m tools.house draws it again"
    ET.fromstring(drawn)


def test_its_floors_are_those_of_the_code():
    heights = [{HEIGHT[room] for room, _ in floor.rooms} for floor in house.FLOORS]
    for below, above in pairwise(heights):
        assert max(below) < min(above)


def test_rooms_stay_on_their_floor_and_words_in_their_rooms():
    svg = ET.fromstring(house.picture())
    boxes = [box.attrib for box in svg.iter("{http://www.w3.org/2000/svg}rect")]
    rooms = [(float(box["x"]), float(box["width"])) for box in boxes if box["class"] == "r"]
    for (x, width), (name, what) in zip(rooms, [room for floor in house.FLOORS for room in floor.rooms], strict=True):
        assert width >= max(7.6 * len(name), 5.6 * len(what))
        assert x + width <= house.WIDTH - 46
