"""What psycopg raises becomes an error of ours, for a pool and for one connection."""

import asyncio

import pytest

from infra.embedded.ports import LOOPBACK
from infra.postgres import PostgresError, PostgresUnavailable, connect, open_pool
from tests.network.ports import free_port


@pytest.fixture(autouse=True)
def no_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait longer for a connection than a request would: the machine may be busy."""
    monkeypatch.setattr("infra.postgres.WAIT", 30.0)


async def test_a_refused_statement(postgres_url: str) -> None:
    with pytest.raises(PostgresError) as refused:
        async with connect(postgres_url) as connection:
            await connection.execute("select * from no_such_table")
    assert type(refused.value) is PostgresError
    assert "no_such_table" in str(refused.value)

    async with open_pool(postgres_url, size=1) as pool:
        with pytest.raises(PostgresError, match="no_such_table"):
            async with pool.connection() as connection:
                await connection.execute("select * from no_such_table")
        async with pool.connection() as connection:  # It is given back.
            await connection.execute("select 1")


async def test_nobody_listens() -> None:
    url = f"postgresql://comfyd@{LOOPBACK}:{free_port()}/comfyd"
    with pytest.raises(PostgresUnavailable):
        async with connect(url):
            pass


async def test_no_connection_is_free(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.postgres.WAIT", 1.5)
    async with open_pool(postgres_url, size=1) as pool, pool.connection():
        with pytest.raises(PostgresUnavailable):
            async with pool.connection():
                pass


async def test_the_connection_is_ended(postgres_url: str) -> None:
    async with open_pool(postgres_url, size=2) as pool, pool.connection() as other:

        async def ask_when_ended() -> None:
            async with pool.connection() as connection:
                ended = connection.info.backend_pid
                await other.execute("select pg_terminate_backend(%s)", [ended])
                await asyncio.sleep(0.05)
                await connection.execute("select 1")

        with pytest.raises(PostgresUnavailable):
            await ask_when_ended()


async def test_an_error_of_the_block_stays_itself(postgres_url: str) -> None:
    async with open_pool(postgres_url, size=1) as pool:
        with pytest.raises(KeyError):
            async with pool.connection():
                raise KeyError("mine")
