"""Two shops sell one stock while they are apart, and never more than there is.

    python examples/stock.py

The stock is a ``bcounter``. Each shop sells without asking the other one, as long as it holds rights. It gets more of
them by a transfer, which travels with the states that the shops exchange.
"""

import tempfile
from pathlib import Path

from crdtctl import Replica
from crdtctl.errors import RefusedError


def sell(shop: Replica, wanted: int) -> int:
    """Sell up to `wanted` pieces, one by one, and return the number of those that were sold."""
    for sold in range(wanted):
        try:
            shop.decrement("stock")
        except RefusedError:  # nothing is written: this shop has no rights left
            return sold
    return wanted


def main(directory: Path) -> None:
    """Sell a stock of 10 pieces in two shops, of which one runs out."""
    north = Replica.init(directory / "north", name="north")
    south = Replica.init(directory / "south", name="south")
    north.create("stock", "bcounter", initial=10)
    south.increment("opened")  # so that north knows south by its name
    north.exchange(south)
    north.transfer("stock", "south", 4)
    south.merge_bytes(north.export_bytes())

    print("apart: north sells", sell(north, 9), "of 9, south sells", sell(south, 2), "of 2")
    south.transfer("stock", "north", 1)
    north.exchange(south)
    print("after a transfer of 1: north sells", sell(north, 3), "of 3, south sells", sell(south, 3), "of 3")
    north.exchange(south)
    print("left:", north.value("stock"), "in the north and", south.value("stock"), "in the south")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        main(Path(place))
