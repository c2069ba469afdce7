from tests.flows.conftest import books, fjordbank, havneby  # noqa: F401  (fixtures)
