"""What the tests of ``/library`` share: its routes as a client calls them."""

from __future__ import annotations

from typing import Any

import httpx

ID = "0123456789abcdef" * 2
NO_ID = "f" * 32
ODD = "Once.\r\n\r\n“Upon”\ta time 🌙 \n\u00a0 e\u0301\rend  \n"
QUOTES = "“A” ‘b’ \"c\" 'd' «e» `f` / \\ ../..; filename=x"
MEGABYTES_3 = "むかしむかし🌙。" * 124_000


async def made(http: httpx.AsyncClient, **values: Any) -> dict[str, Any]:
    response = await http.post("/library/stories", json=values)
    assert response.status_code == 201, response.text
    story: dict[str, Any] = response.json()
    return story


async def told(http: httpx.AsyncClient, path: str, method: str = "GET", **values: Any) -> Any:
    response = await http.request(method, f"/library/{path}", json=values or None)
    assert response.status_code == 200, response.text
    return response.json()


async def imported(http: httpx.AsyncClient, *files: tuple[str, bytes]) -> dict[str, Any]:
    response = await http.post("/library/import", files=[("files", file) for file in files])
    assert response.status_code == 200, response.text
    result: dict[str, Any] = response.json()
    return result


async def exported(http: httpx.AsyncClient, path: str) -> httpx.Response:
    response = await http.get(f"/library/{path}")
    assert response.status_code == 200, response.text
    return response
