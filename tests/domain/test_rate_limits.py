"""Classes of requests, and whose address counts."""

import pytest

from shared.domain.rate_limits import LIMITS, Kind, client_address, kind_of, neighbourhood


@pytest.mark.parametrize(
    ("method", "template", "kind"),
    [
        ("GET", "/stats", Kind.STATS),
        ("GET", "/recordings", Kind.READ),
        ("HEAD", "/recordings/{recording_id}/audio", Kind.READ),
        ("GET", "/recordings/{recording_id}/status", None),
        ("GET", "/api/recordings/job-queue-status", None),
        ("PATCH", "/recordings/{recording_id}", Kind.WRITE),
        ("DELETE", "/recordings/{recording_id}", Kind.WRITE),
        ("POST", "/tags", Kind.WRITE),
        ("PUT", "/speakers/{speaker_id}", Kind.WRITE),
        ("PUT", "/recordings/{recording_id}/speakers/assign", Kind.WRITE),
        ("POST", "/api/tokens", Kind.WRITE),
        ("POST", "/recordings/{recording_id}/transcribe", Kind.PROCESS),
        ("POST", "/recordings/{recording_id}/summarize", Kind.PROCESS),
        ("POST", "/recordings/{recording_id}/regenerate_title", Kind.PROCESS),
        ("POST", "/recordings/{recording_id}/chat", Kind.PROCESS),
        ("POST", "/recordings/{recording_id}/speakers/identify", Kind.PROCESS),
        ("POST", "/recordings/batch/transcribe", Kind.BATCH),
        ("PATCH", "/recordings/batch", Kind.BATCH),
        ("DELETE", "/recordings/batch", Kind.BATCH),
        ("POST", "/recordings/upload", Kind.UPLOAD),
        ("POST", "/uploads", Kind.UPLOAD),
        ("POST", "/uploads/{upload_id}/complete", Kind.UPLOAD),
        ("GET", "/uploads/{upload_id}", Kind.READ),
    ],
)
def test_the_class_of_a_request(method: str, template: str, kind: Kind | None) -> None:
    assert kind_of(method, template) is kind


def test_the_limits_of_the_contract() -> None:
    wanted = {"stats": 60, "read": 100, "write": 30, "process": 10, "batch": 10, "upload": 60, "refused": 30}
    assert {kind.value: limit for kind, limit in LIMITS.items()} == wanted


@pytest.mark.parametrize(
    ("forwarded", "hops", "address"),
    [
        ("", 0, "peer"),
        ("1.1.1.1", 0, "peer"),
        ("1.1.1.1", 1, "1.1.1.1"),
        ("6.6.6.6, 1.1.1.1", 1, "1.1.1.1"),
        ("6.6.6.6, 1.1.1.1, 7.7.7.7", 2, "1.1.1.1"),
        ("1.1.1.1", 2, "peer"),
        ("", 1, "peer"),
        ("1.1.1.1, ", 1, "peer"),
    ],
)
def test_the_address_of_a_client(forwarded: str, hops: int, address: str) -> None:
    assert client_address("peer", forwarded, hops) == address


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        ("x" * 5000, "x" * 100),
    ],
)
def test_a_neighbourhood_counts_as_one(address: str, counted: str) -> None:
    assert neighbourhood(address) == counted
