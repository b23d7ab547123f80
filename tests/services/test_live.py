"""What a watcher is told who has seen all there was."""

from shared.dialects.saled.events import current
from shared.domain.tasks import Failed, Started
from shared.services import live
from tests.support.world import World, slice_done


def test_a_failed_run_stands_where_it_came_to(world: World) -> None:
    recording, task = world.launched()
    world.report(task, Started(20.0, (0.0, 10.0, 20.0), "test"), slice_done(0), Failed("The audio ended."))
    news = live.news(world.core, recording.id, world.recording(recording).last_seq)
    assert (news.events, news.at_work, news.progress) == ([], False, 50)
    assert news.recording is not None
    told = current(news.recording, news.progress, news.final_seq)
    assert (told["status"], told["message"], told["progress"]) == ("failed", "The audio ended.", 50)
