"""Who may see what: a scope is handed to every query and nothing bypasses it (DESIGN 11)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AllCustomers:
    """NOC and admin: every circuit. `commercial` is whether prices and credits are shown."""

    commercial: bool

    @property
    def internal(self) -> bool:
        """True: what is not for customers is shown."""
        return True

    def allows(self, customer_id: str) -> bool:
        """Return True: everything is in scope."""
        return True


@dataclass(frozen=True, slots=True)
class OnlyCustomers:
    """A customer's own, or an account manager's portfolio (`internal`)."""

    customer_ids: frozenset[str]
    commercial: bool = True
    internal: bool = False  # of the house: also what is not shown to customers

    def allows(self, customer_id: str) -> bool:
        """Return whether a customer is in scope."""
        return customer_id in self.customer_ids


Scope = AllCustomers | OnlyCustomers
