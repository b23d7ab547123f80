"""Whoever sends webhooks may be killed at any point: what was on its way is sent again, and nothing twice at once."""

import subprocess
import sys
from dataclasses import replace

from shared.adapters.http_webhooks import HttpWebhookSender
from shared.db.database import Database
from shared.services import deliveries, webhooks
from shared.services.webhooks import WebhookChange
from tests.support.receiver import Receiver
from tests.support.server import ROOT
from tests.support.waiting import until
from tests.support.world import World

ALLOWED = "^127.0.0.1$"
#: Sends what is due, and hangs as long as the receiver does.
SENDER = f"""
import sys
from dataclasses import replace
from shared.adapters.http_webhooks import HttpWebhookSender
from shared.db.database import Database
from shared.services import deliveries
from tests.support.world import World

core = replace(World(Database(sys.argv[1])).core, webhook_sender=HttpWebhookSender({ALLOWED!r}, seconds=60))
for attempt in deliveries.claim(core, limit=1):
    deliveries.send(core, attempt)
"""


def test_what_a_killed_sender_had_on_its_way_is_sent_again(database: Database) -> None:
    world = World(database)
    core = replace(world.core, webhook_sender=HttpWebhookSender(ALLOWED))
    with Receiver() as receiver:
        asked = WebhookChange(name="one", url=receiver.url, events=["webhook.test"])
        webhook = webhooks.create(core, world.ann, asked)
        webhooks.test(core, world.ann, webhook.id)
        receiver.answer = receiver.hang
        sender = subprocess.Popen([sys.executable, "-c", SENDER, database.url], cwd=ROOT)
        until(lambda: receiver.received or sender.poll() is not None)
        assert deliveries.claim(core, limit=9) == [], "it is being sent"
        sender.kill()
        sender.wait(10)
        receiver.answer = lambda handler: handler.reply(200)
        world.clock.pass_by(60)
        deliveries.deliver(core, webhook.id, seconds=10)
        first, second = receiver.received
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])
    assert [each.headers["Speakr-Attempt"] for each in (first, second)] == ["1", "2"]
    (delivery,) = webhooks.latest_deliveries(core, world.ann, webhook.id, 50)
    assert (delivery.status, delivery.attempt_count) == ("success", 2)
