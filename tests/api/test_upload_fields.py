"""What an upload brings along, and whose word counts where it leaves something open."""

import json
from dataclasses import asdict
from typing import Any

import pytest

from shared.db.database import Database
from shared.db.jobs import options_from
from tests.support.office import API, Office, refused


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


def options(office: Office, recording: dict[str, Any]) -> dict[str, Any]:
    """Of its job, also those that nobody has chosen."""
    (row,) = office.world.rows("SELECT options FROM jobs WHERE recording_id = :id", id=recording["id"])
    return asdict(options_from(row.options))


def prefer(office: Office, **chosen: Any) -> None:
    said = json.dumps(chosen)
    office.world.rows(
        "UPDATE users SET preferences = cast(:said AS jsonb) WHERE id = :id RETURNING id",
        said=said,
        id=office.ann.user_id,
    )


def test_tags_come_in_order_up_to_the_first_gap_and_foreign_ones_fall_out(office: Office) -> None:
    a, b, c = (office.new("tags", name=name)["id"] for name in "abc")
    ours = office.new("tags", name="ours", group_id=office.crew)["id"]
    hers = office.door.post(f"{API}/tags", office.eve, json={"name": "hers"}).json()["id"]
    sent = {
        "tag_ids[0]": str(b),
        "tag_ids[1]": str(hers),
        "tag_ids[2]": "x",
        "tag_ids[3]": str(ours),
        "tag_ids[4]": str(b),
        "tag_ids[5]": "9" * 30,
        "tag_ids[7]": str(c),
        "tag_id": str(a),
    }
    uploaded = office.upload(**sent)
    assert [tag["name"] for tag in uploaded["tags"]] == ["b", "ours"]
    assert uploaded["tags"][1]["is_group_tag"] is True
    assert [tag["name"] for tag in office.listed(uploaded["id"])["tags"]] == ["b", "ours"]


def test_the_single_tag_counts_where_no_other_does(office: Office) -> None:
    tag = office.new("tags", name="a")["id"]
    assert [each["id"] for each in office.upload(tag_id=str(tag))["tags"]] == [tag]
    assert [each["id"] for each in office.upload(**{"tag_ids[0]": "999", "tag_id": str(tag)})["tags"]] == [tag]
    assert office.upload(tag_id="nonsense")["tags"] == []


def test_a_folder_comes_in_full_and_a_foreign_one_falls_out(office: Office) -> None:
    ours = office.new("folders", name="ours", group_id=office.crew)
    uploaded = office.upload(office.bob, folder_id=str(ours["id"]))
    assert uploaded["folder"] == {**ours, "recording_count": 1}
    assert uploaded["folder_id"] == ours["id"]
    for missing in (str(ours["id"]), "999", "9" * 30, "x", ""):
        assert office.upload(office.eve, folder_id=missing)["folder"] is None


@pytest.mark.parametrize(
    ("asked", "tagged", "foldered", "expected"),
    [
        ({"language": "fr"}, True, True, ("fr", "tag words")),
        ({}, True, True, ("de", "tag words")),
        ({"language": ""}, True, True, ("de", "tag words")),
        ({}, False, True, ("es", "folder words")),
        ({"hotwords": " mine "}, False, True, ("es", "mine")),
        ({}, False, False, ("it", None)),
    ],
)
def test_the_request_goes_before_tags_and_tags_before_the_folder(
    database: Database, asked: dict[str, str], tagged: bool, foldered: bool, expected: tuple[str, str | None]
) -> None:
    office = Office(database, language="it")
    prefer(office, transcription_language="pt")
    silent = office.new("tags", name="silent")["id"]
    tag = office.new("tags", name="t", default_language="de", default_hotwords="tag words")["id"]
    later = office.new("tags", name="l", default_language="nl", default_hotwords="late words")["id"]
    folder = office.new("folders", name="f", default_language="es", default_hotwords="folder words")["id"]
    tags = {"tag_ids[0]": str(silent), "tag_ids[1]": str(tag), "tag_ids[2]": str(later)} if tagged else {}
    uploaded = office.upload(**asked, **tags, **({"folder_id": str(folder)} if foldered else {}))
    assert (uploaded["language"], uploaded["resolved_hotwords"]) == expected
    assert uploaded["folder_id"] == (folder if foldered else None)
    assert (options(office, uploaded)["language"], options(office, uploaded)["hotwords"]) == expected


def test_the_server_goes_before_the_owner(office: Office) -> None:
    prefer(office, transcription_language="pt")
    assert office.upload()["language"] == "pt"
    office.rule(language="Italian", min_speakers=2, max_speakers=4)
    wanted = options(office, office.upload(max_speakers="3"))
    assert (wanted["language"], wanted["min_speakers"], wanted["max_speakers"]) == ("it", 2, 3)
    # A setting that is no language is nobody's reason to refuse an upload.
    office.rule(language="klingon")
    assert office.upload()["language"] == "pt"


def test_numbers_of_speakers_that_contradict_give_way_to_the_stronger(office: Office) -> None:
    tag = office.new("tags", name="t", default_min_speakers=5)["id"]
    low, high = "min_speakers", "max_speakers"
    assert options(office, office.upload(max_speakers="3", tag_id=str(tag)))[low] is None
    assert options(office, office.upload(max_speakers="6", tag_id=str(tag)))[low] == 5
    folder = office.new("folders", name="f", default_min_speakers=2, default_max_speakers=3)["id"]
    mixed = options(office, office.upload(min_speakers="4", folder_id=str(folder)))
    assert (mixed[low], mixed[high]) == (4, None)
    assert "min_speakers" in refused(office.send(min_speakers="4", max_speakers="3"), 400)


def test_what_the_owner_prefers_counts_for_the_summary(office: Office) -> None:
    default = options(office, office.upload())
    assert (default["diarize"], default["summarize"], default["extract_events"]) == (True, True, False)
    prefer(
        office,
        diarize=False,
        auto_summarization=False,
        extract_events=True,
        output_language="fr",
        summary_prompt="For {{who}}.",
    )
    wanted = options(office, office.upload(prompt_variables='{"who": "Zoë"}'))
    assert (wanted["diarize"], wanted["summarize"], wanted["extract_events"]) == (False, False, True)
    assert (wanted["output_language"], wanted["summary_prompt"]) == ("fr", "For Zoë.")


def test_prompts_of_all_tags_count_and_variables_are_filled_in(office: Office) -> None:
    first = office.new("tags", name="a", custom_prompt="Talk to {{ client }} about {{x}}{{unknown}}.")["id"]
    second = office.new("tags", name="b", custom_prompt="Short.")["id"]
    folder = office.new("folders", name="f", custom_prompt="In the folder.")["id"]
    variables = '{"client": "{{x}}", "x": 5, "none": null}'
    tags = {"tag_ids[0]": str(second), "tag_ids[1]": str(first)}
    uploaded = office.upload(prompt_variables=variables, folder_id=str(folder), **tags)
    assert options(office, uploaded)["summary_prompt"] == "Short.\n\nTalk to {{x}} about 5."
    assert uploaded["prompt_variables"] == {"client": "{{x}}", "x": "5", "none": ""}
    assert options(office, office.upload(folder_id=str(folder)))["summary_prompt"] == "In the folder."


@pytest.mark.parametrize("broken", ["", "{", "[]", "5", "null", '"a"', "[" * 100_000, '{"a": ' + "9" * 5000 + "}"])
def test_variables_that_are_no_object_are_passed_over(office: Office, broken: str) -> None:
    assert office.upload(prompt_variables=broken)["prompt_variables"] == {}


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({f"v{n}": "x" for n in range(51)}, "50"),
        ({"a": "x" * 8001}, "8000"),
        ({f"v{n}": "x" * 8000 for n in range(5)}, "32000"),
        ({"a b": "x"}, "names"),
        ({"5a": "x"}, "names"),
        ({"a": ["x"]}, "a has to be a text"),
        ({"a": "\x00"}, "NUL"),
        ({"a": "\ud800"}, "surrogates"),
    ],
)
def test_variables_beyond_the_limits_are_refused(office: Office, variables: Any, named: str) -> None:
    assert named in refused(office.send(prompt_variables=json.dumps(variables)), 400)
    assert office.world.count("recordings") == 0
    assert office.world.store.objects == {}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"meeting_date": "2026-01-15T09:00:00+02:00"}, "2026-01-15T07:00:00Z"),
        ({"meeting_date": "2026-01-15T09:00:00Z", "file_last_modified": "0"}, "2026-01-15T09:00:00Z"),
        ({"meeting_date": "2026-01-15 09:00"}, "2026-01-15T09:00:00Z"),
        ({"meeting_date": "soon", "file_last_modified": "1700000000000"}, "2023-11-14T22:13:20Z"),
    ],
)
def test_when_it_was(office: Office, sent: dict[str, str], kept: str) -> None:
    assert office.upload(**sent)["meeting_date"] == kept


def test_the_answer_has_everything_that_clients_know(office: Office) -> None:
    tag = office.new("tags", name="a", default_initial_prompt="A talk.")["id"]
    uploaded = office.upload(tag_id=str(tag), notes=" Nöte ", keep_audio_only="true", transcription_model="gpt-99")
    known = """id title status created_at meeting_date file_size original_filename mime_type notes audio_available
        audio_deleted_at audio_duration completed_at deletion_exempt duplicate_info events folder folder_id
        is_highlighted is_inbox keep_audio_only notes_html participants processing_time_seconds prompt_variables
        public_share_count resolved_hotwords resolved_initial_prompt shared_with_count summarization_duration_seconds
        summary summary_html tags transcription transcription_duration_seconds user_id"""
    assert set(known.split()) <= uploaded.keys()
    expected = {"status": "PENDING", "notes": "Nöte", "keep_audio_only": False, "resolved_initial_prompt": "A talk."}
    assert expected.items() <= uploaded.items()
    # A model of another server's is passed over.
    assert options(office, uploaded)["model"] is None
    again = office.upload()
    assert again["duplicate_warning"]["existing_recording_id"] == uploaded["id"]
    assert again["duplicate_info"]["total_copies"] == 2


def test_an_upload_is_told_to_webhooks(office: Office) -> None:
    office.world.rows(
        "INSERT INTO webhooks (user_id, name, url, allow_http, events, enabled, secret) "
        "VALUES (:user, 'x', 'https://x.example', false, '{recording.created}', true, 's') RETURNING id",
        user=office.ann.user_id,
    )
    uploaded = office.upload(title="Told")
    office.upload(office.bob)
    (sent,) = office.world.rows("SELECT payload FROM webhook_deliveries")
    data = {"recording_id": uploaded["id"], "title": "Told", "file_size": 5, "original_filename": "talk.wav"}
    assert json.loads(sent.payload)["data"] == data


def test_a_token_that_is_not_for_uploads_uploads_nothing(office: Office) -> None:
    office.door.token(office.bob)
    everything_else = "'{read,write,process,delete,webhooks,account}'"
    office.world.rows(
        f"UPDATE api_tokens SET scopes = {everything_else} WHERE user_id = :id RETURNING id", id=office.bob.user_id
    )
    assert "upload" in refused(office.send(office.bob), 403)
    assert office.world.count("recordings") == office.world.count("object_deletions") == 0
    begun = office.door.post("/uploads", office.bob, json={"filename": "a.wav", "size": 5})
    assert (begun.status_code, "upload" in begun.json()["detail"]) == (403, True)


def test_a_token_for_uploads_alone_takes_one_to_its_end(office: Office) -> None:
    tag = office.new("tags", name="ours", group_id=office.crew)["id"]
    folder = office.new("folders", name="f", group_id=office.crew)["id"]
    office.door.token(office.bob)
    office.world.rows(
        "UPDATE api_tokens SET scopes = '{upload}' WHERE user_id = :id RETURNING id", id=office.bob.user_id
    )
    assert office.send(office.bob).status_code == 202
    wanted = {"tag_ids": [tag, 999, 10**30], "folder_id": folder, "prompt_variables": {"who": "me"}}
    begun = office.door.post("/uploads", office.bob, json={"filename": "a.wav", "size": 5, "recording": wanted}).json()
    office.world.store.objects[f"uploads/{begun['upload_id']}"] = b"sound"
    done = office.door.post(f"/uploads/{begun['upload_id']}/complete", office.bob)
    assert done.status_code == 200, done.text
    (row,) = office.world.rows(
        "SELECT folder_id, prompt_variables, (SELECT array_agg(tag_id) FROM recording_tags) AS tags "
        "FROM recordings WHERE id = :id",
        id=done.json()["recording"]["id"],
    )
    assert (row.folder_id, row.prompt_variables, row.tags) == (folder, {"who": "me"}, [tag])
