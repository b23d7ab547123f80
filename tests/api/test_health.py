"""The service's own pages."""

from tests.support.server import Server


def test_health_says_healthy(server: Server) -> None:
    with server.client() as client:
        response = client.get("/health", headers={"X-Request-ID": "abc-1"})
    assert response.json()["status"] == "healthy"
    assert response.headers["x-request-id"] == "abc-1"
    assert float(response.headers["x-process-time-ms"]) >= 0
