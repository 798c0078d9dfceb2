"""Finding the network rule that an address falls under, in a few microseconds."""

from __future__ import annotations

from collections.abc import Iterable

from engagement.domain.verdicts.client_address import KEPT_BITS, Address
from engagement.domain.verdicts.rule import NetworkRule

WIDTH = {4: 32, 6: 128}


class NetworkIndex:
    """Looks an address up by one table for each length of prefix; the first rule given wins."""

    def __init__(self, rules: Iterable[NetworkRule]) -> None:
        self.tables: dict[int, dict[int, dict[int, tuple[int, str]]]] = {4: {}, 6: {}}
        for order, rule in enumerate(rules):
            for network in rule.ranges:
                shift = WIDTH[network.version] - network.prefixlen
                table = self.tables[network.version].setdefault(shift, {})
                table.setdefault(int(network.network_address) >> shift, (order, rule.name))

    def find(self, address: Address) -> str | None:
        """Return the name of the first rule that *address* falls under."""
        return self._find(address, 0)

    def find_kept(self, address: Address) -> str | None:
        """Like :meth:`find` for an address that was truncated: only wide networks can be told."""
        return self._find(address, WIDTH[address.version] - KEPT_BITS[address.version])

    def _find(self, address: Address, narrowest: int) -> str | None:
        number = int(address)
        found = [
            table[number >> shift]
            for shift, table in self.tables[address.version].items()
            if shift >= narrowest and number >> shift in table
        ]
        return min(found)[1] if found else None
