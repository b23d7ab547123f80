"""The documents of the API: they are true, and they need no other address."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from tests.support.server import Server

PAGES = ["/docs", "/api/v1/docs"]
DOCUMENTS = ["/openapi.json", "/api/v1/openapi.json"]


class Sources(HTMLParser):
    """What a page loads."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in ("src", "href") and value]


def document(server: Server, path: str) -> dict[str, Any]:
    with server.client() as client:
        response = client.get(path)
    assert response.status_code == 200
    return response.json()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_no_other_address(server: Server, page: str) -> None:
    with server.client() as client:
        response = client.get(page)
    assert response.headers["content-type"].startswith("text/html")
    assert re.findall(r"https?://|[\"'(]//", response.text) == []
    assert '"validatorUrl": null' in response.text


@pytest.mark.parametrize("page", PAGES)
def test_everything_a_page_loads_is_served_here(server: Server, page: str) -> None:
    with server.client() as client:
        html = client.get(page).text
        wanted = [source for source in Sources(html).found if not source.startswith("data:")]
        wanted += re.findall(r"url: '([^']+)'", html)
        answers = {source: client.get(source) for source in wanted}
    assert len(answers) == 3
    assert {answer.status_code for answer in answers.values()} == {200}
    assert all(len(answer.content) > 500 for answer in answers.values())


@pytest.mark.parametrize("path", ["/docs-assets/nothing.js", "/docs-assets/", "/docs-assets/%2e%2e/__init__.py"])
def test_assets_that_are_not_there_are_a_404(server: Server, path: str) -> None:
    with server.client() as client:
        assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", DOCUMENTS)
def test_a_document_holds_together(server: Server, path: str) -> None:
    found = document(server, path)
    assert found["openapi"].startswith("3.")
    assert (found["info"]["version"], bool(found["info"]["title"])) == ("1.0.0", True)
    references = set(re.findall(r"'\$ref': '#/components/schemas/([^']+)'", str(found)))
    assert references <= found["components"]["schemas"].keys()
    operations = [operation for item in found["paths"].values() for operation in item.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    assert all(operation["responses"] for operation in operations)
    for address, item in found["paths"].items():
        for operation in item.values():
            told = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "path"}
            assert told == set(re.findall(r"{(\w+)}", address))


def test_the_speakr_document_says_where_it_is_and_how_to_come_in(server: Server) -> None:
    found = document(server, "/api/v1/openapi.json")
    assert found["servers"] == [{"url": "/api/v1"}]
    schemes = found["components"]["securitySchemes"].values()
    assert {scheme.get("name", scheme["type"]) for scheme in schemes} == {"http", "X-API-Token", "API-Token", "token"}
    assert found["security"]
    assert found["components"]["schemas"]["Error"]["properties"]["error"] == {"type": "string", "title": "Error"}


def test_the_document_lists_every_door_of_the_contract(server: Server) -> None:
    paths = document(server, "/api/v1/openapi.json")["paths"]
    doors = {f"{method.upper()} {path}" for path, item in paths.items() for method in item}
    one = "/recordings/{recording_id}"
    assert doors >= {
        "POST /recordings/upload",
        "GET /recordings",
        f"GET {one}",
        f"DELETE {one}",
        f"GET {one}/status",
        f"GET {one}/transcript",
        f"GET {one}/summary",
        f"GET {one}/audio",
        f"POST {one}/transcribe",
        f"POST {one}/pause",
        f"POST {one}/resume",
        f"POST {one}/cancel",
    }
    upload = paths["/recordings/upload"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert upload["properties"].keys() >= {"file", "upload_id", "title"}


def test_the_service_card_names_addresses_that_answer(server: Server) -> None:
    card = document(server, "/")
    assert card["name"] == "Hansard"
    with server.client() as client:
        for name in ("docs", "health", "speakr_docs"):
            assert client.get(card["endpoints"][name]).status_code == 200


def test_health_is_healthy_with_the_time(server: Server) -> None:
    health = document(server, "/health")
    assert health["status"] == "healthy"
    assert health["timestamp"] > 1_700_000_000
