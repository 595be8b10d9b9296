"""Everything a node reads from its configuration folder, loaded and checked as a whole."""

from dataclasses import dataclass, field
from pathlib import Path

from linksla.errors import ConfigError
from linksla.inventory import Inventory, load_inventory
from linksla.settings import Settings, load_settings
from sla.contracts import Contract, load_contracts
from sla.maintenance import MaintenanceWindow, load_maintenance
from sla.network import Reclassified


@dataclass(frozen=True, slots=True)
class Configuration:
    """Settings, inventory, contracts and maintenance that fit together."""

    settings: Settings
    inventory: Inventory
    contracts: dict[str, tuple[Contract, ...]]
    maintenance: tuple[MaintenanceWindow, ...]
    reclassified: Reclassified = field(default_factory=dict)  # what people said about outages


def load_configuration(path: Path) -> Configuration:
    """Read `linksla.yaml` (or the folder that holds it) and all it names.

    Raises:
        ConfigError: a file does not fit, or names what another does not have.
    """
    file = path / "linksla.yaml" if path.is_dir() else path
    settings = load_settings(file)
    inventory = load_inventory(settings.inventory)
    contracts = load_contracts(settings.contracts)
    maintenance = load_maintenance(settings.maintenance)
    for circuit in inventory.circuits.values():
        if circuit.contract not in contracts:
            raise ConfigError(
                f"circuit {circuit.id!r} names contract {circuit.contract!r}, which is not there",
                where=str(settings.inventory),
                hint=f"Known in {settings.contracts}: {', '.join(sorted(contracts)) or 'none'}.",
            )
    sites = {circuit.site for circuit in inventory.circuits.values()}
    for window in maintenance:
        if window.circuit is not None and window.circuit not in inventory.circuits:
            raise ConfigError(
                f"window {window.id!r} names circuit {window.circuit!r}, which is not there",
                where=str(settings.maintenance),
                hint="Correct the circuit's id.",
            )
        if window.site is not None and window.site not in sites:
            raise ConfigError(
                f"window {window.id!r} names site {window.site!r}, which no circuit has",
                where=str(settings.maintenance),
                hint=f"Known sites: {', '.join(sorted(sites))}.",
            )
    return Configuration(settings, inventory, contracts, maintenance)
