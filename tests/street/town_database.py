"""A PostgreSQL of the town's, to which the gateway connects as a user with a password."""

from tests.street.postgres import Postgres

USER, PASSWORD = "bordstein", "the town's p4ssword"


class TownDatabase(Postgres):
    """`admin`: its superuser's address. `url`: of the gateway's user, without the password."""

    def __init__(self) -> None:
        super().__init__()
        self.admin = self.address("postgres")
        self.url = self.address("postgres", USER)

    def create_user(self) -> None:
        """The gateway's user, who may make tables."""
        self.run(f"CREATE USER {USER} PASSWORD '{PASSWORD.replace(chr(39), chr(39) * 2)}'")
        self.run(f"GRANT CREATE, USAGE ON SCHEMA public TO {USER}")
