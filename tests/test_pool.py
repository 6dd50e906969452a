"""Who holds the models in memory, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from storaiteller.engines.base import Engine, Report
from storaiteller.engines.pool import EnginePool
from storaiteller.errors import ModelUnusableError
from tests.fakes import ScriptedEngine
from tests.serving import GUARD


class Shelf:
    """Loads engines on demand, and remembers which and how often."""

    def __init__(self) -> None:
        self.engines: list[ScriptedEngine] = []
        self.may_load = asyncio.Event()
        self.may_load.set()
        self.began = asyncio.Event()
        self.failure: Exception | None = None

    async def load(self, report: Report) -> Engine:
        report(7)
        self.began.set()
        await self.may_load.wait()
        if self.failure is not None:
            raise self.failure
        self.engines.append(ScriptedEngine())
        return self.engines[-1]


@pytest.fixture
async def pool() -> AsyncIterator[EnginePool]:
    pool = EnginePool()
    yield pool
    await pool.aclose()


async def test_a_model_is_loaded_once_for_all_who_want_it(pool: EnginePool) -> None:
    fox = Shelf()
    fox.may_load.clear()

    async def use() -> Engine:
        async with pool.lend("fox", fox.load) as engine:
            return engine

    async with asyncio.TaskGroup() as tasks:
        users = [tasks.create_task(use()) for _ in range(3)]
        await fox.began.wait()
        fox.may_load.set()
    assert [user.result() for user in users] == [fox.engines[0]] * 3
    assert await use() is fox.engines[0]
    assert pool.is_loaded("fox")
    assert not fox.engines[0].closed


async def test_how_far_a_model_has_been_read_is_known_while_it_is_loaded(pool: EnginePool) -> None:
    fox = Shelf()
    fox.may_load.clear()
    user = asyncio.create_task(pool.lend("fox", fox.load).__aenter__())
    await fox.began.wait()
    assert (pool.bytes_read, pool.is_loaded("fox")) == ({"fox": 7}, False)
    fox.may_load.set()
    await user
    assert (pool.bytes_read, pool.is_loaded("fox")) == ({}, True)


async def test_the_model_before_is_put_away_when_another_one_is_wanted(pool: EnginePool) -> None:
    fox, bear = Shelf(), Shelf()
    async with pool.lend("fox", fox.load):
        pass
    async with pool.lend("bear", bear.load):
        assert fox.engines[0].closed
        assert not pool.is_loaded("fox")
    assert not bear.engines[0].closed


async def test_a_model_that_is_writing_is_put_away_when_its_last_story_has_ended(pool: EnginePool) -> None:
    fox, bear = Shelf(), Shelf()
    async with AsyncExitStack() as first, AsyncExitStack() as second:
        await first.enter_async_context(pool.lend("fox", fox.load))
        await second.enter_async_context(pool.lend("fox", fox.load))
        async with pool.lend("bear", bear.load):
            assert not fox.engines[0].closed
            await first.aclose()
            assert not fox.engines[0].closed
            await second.aclose()
            assert fox.engines[0].closed


async def test_a_model_wanted_again_while_it_is_writing_stays(pool: EnginePool) -> None:
    fox, bear = Shelf(), Shelf()
    async with pool.lend("fox", fox.load):
        async with pool.lend("bear", bear.load):
            pass
        async with pool.lend("fox", fox.load):
            assert bear.engines[0].closed
    assert not fox.engines[0].closed
    assert len(fox.engines) == 1


async def test_a_failure_is_remembered_until_the_model_can_be_loaded(pool: EnginePool) -> None:
    fox = Shelf()
    fox.failure = ModelUnusableError("fox.gguf is cut short.")
    for _ in range(2):
        with pytest.raises(ModelUnusableError):
            async with pool.lend("fox", fox.load):
                pass
        assert pool.failures == {"fox": fox.failure}
    assert not pool.ready_once
    fox.failure = None
    async with pool.lend("fox", fox.load):
        assert pool.failures == {}
        assert pool.ready_once == {"fox"}


async def test_a_load_goes_on_when_whoever_asked_goes_away(pool: EnginePool) -> None:
    """A page that was reloaded while a large model was loading once began it anew, beside the first."""
    fox = Shelf()
    fox.may_load.clear()

    async def use() -> Engine:
        async with pool.lend("fox", fox.load) as engine:
            return engine

    gone = asyncio.create_task(use())
    await fox.began.wait()
    gone.cancel()
    await asyncio.wait([gone])
    assert gone.cancelled()
    again = asyncio.create_task(use())
    fox.may_load.set()
    assert await asyncio.wait_for(again, GUARD) is fox.engines[0]
    assert len(fox.engines) == 1


async def test_a_load_nobody_waits_for_is_put_away_once_another_model_is_wanted(pool: EnginePool) -> None:
    fox, bear = Shelf(), Shelf()
    fox.may_load.clear()
    gone = asyncio.create_task(pool.lend("fox", fox.load).__aenter__())
    await fox.began.wait()
    gone.cancel()
    await asyncio.wait([gone])
    async with pool.lend("bear", bear.load):
        fox.may_load.set()
    await pool.aclose()
    assert [shelf.engines[0].closed for shelf in (fox, bear)] == [True, True]


async def test_a_load_that_fails_after_whoever_asked_has_gone_is_told_by_its_failure(
    pool: EnginePool,
) -> None:
    fox = Shelf()
    fox.may_load.clear()
    fox.failure = ModelUnusableError("fox.gguf is cut short.")
    gone = asyncio.create_task(pool.lend("fox", fox.load).__aenter__())
    await fox.began.wait()
    gone.cancel()
    await asyncio.wait([gone])
    fox.may_load.set()
    await pool.aclose()
    assert pool.failures == {"fox": fox.failure}


async def test_closing_the_pool_closes_every_model(pool: EnginePool) -> None:
    fox, bear = Shelf(), Shelf()
    async with pool.lend("fox", fox.load), pool.lend("bear", bear.load):
        await pool.aclose()
        assert [shelf.engines[0].closed for shelf in (fox, bear)] == [True, True]
