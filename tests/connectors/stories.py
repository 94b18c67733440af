"""Tickets of a Zendesk account, each the story of one rule, with what Zendesk's own engine says of them.

Belongs here: what happened to each ticket. Does not belong here: what our clocks make of it (test_zendesk_stories.py).

2025-07-05 is a Saturday. New York is four hours behind UTC, its desk open from Monday to Friday, 9 to 17; the other schedule is always open.
"""

from __future__ import annotations

from typing import Any

from fake_zendesk import FakeZendesk, change, comment, schedule, sla, status

ADA = 5007
NEW_YORK, ALWAYS = 21, 22
SATURDAY, MONDAY = "2025-07-05T", "2025-07-07T"


def tell_stories(fake: FakeZendesk) -> None:
    fake.schedules[:] = [
        {
            "id": NEW_YORK, "name": "New York", "time_zone": "Eastern Time (US & Canada)",
            "intervals": [{"start_time": 1440 * day + 540, "end_time": 1440 * day + 1020} for day in range(1, 6)],
        },
        {"id": ALWAYS, "name": "24x7", "time_zone": "Eastern Time (US & Canada)", "intervals": [{"start_time": 0, "end_time": 7 * 1440}]},
    ]
    fake.holidays.clear()
    fake.policies[:] = [{"id": number, "title": title, "policy_metrics": []} for number, title in ((1, "Gold"), (2, "Silver"))]
    story = _Teller(fake)
    _schedule_of_a_trigger(story)
    _schedule_of_a_trigger_the_other_way_round(story)
    _policy_removed(story)
    _policy_replaced(story)
    for number, solved_at, minutes in ((105, "13:40", 40), (106, "15:00", 120)):
        _solved_without_a_reply(story, number, solved_at, minutes)
    _merged(story)
    _opened_by_an_agent(story)
    _opened_by_an_agent_and_never_answered(story)
    _deleted(story)
    _a_reply_that_solves(story)
    _handed_from_group_to_group(story)


class _Teller:
    """Numbers what happens."""

    def __init__(self, fake: FakeZendesk) -> None:
        self.fake, self._number = fake, 0

    def opened(self, ticket: int, at: str, author: int | None = None, **fields: Any) -> int:
        self.fake.ticket(ticket, at, **fields)
        self.update(ticket, at, author or 1000 + ticket, status("new"), comment(author or 1000 + ticket))
        return 1000 + ticket

    def update(self, ticket: int, at: str, author: int, *children: Any) -> None:
        self._number += 1
        self.fake.audit(self._number, ticket, at, author, *children)
        for child in children:
            if "status" in child:
                self.fake.tickets[ticket]["status"] = child["status"]

    def promised(self, ticket: int, metric: str, instance: int, at: str, minutes: int, policy: str = "Gold", *, business: bool = False) -> None:
        self.measured(ticket, metric, instance, "activate", at)
        number = {"Gold": 1, "Silver": 2}[policy]
        self.measured(ticket, metric, instance, "apply_sla", at, sla=sla(minutes, policy, number, business=business))

    def fulfilled(self, ticket: int, metric: str, instance: int, at: str, calendar: int, business: int | None = None) -> None:
        """With whole minutes."""
        self.measured(ticket, metric, instance, "fulfill", at)
        self.measured(
            ticket, metric, instance, "update_status", at, status={"calendar": calendar, "business": calendar if business is None else business}
        )

    def measured(self, ticket: int, metric: str, instance: int, kind: str, at: str, **more: Any) -> None:
        self._number += 1
        self.fake.metric_event(self._number, ticket, metric, instance, kind, at, **more)


def _schedule_of_a_trigger(story: _Teller) -> None:
    """Closed for the first ten minutes, always open afterwards; Zendesk measures all of it by the last schedule."""
    story.opened(101, f"{SATURDAY}14:00:00Z")
    story.promised(101, "reply_time", 1, f"{SATURDAY}14:00:00Z", 60, business=True)
    story.update(101, f"{SATURDAY}14:10:00Z", -1, schedule(ALWAYS, NEW_YORK))
    story.measured(101, "reply_time", 1, "breach", f"{SATURDAY}15:00:00Z")
    story.update(101, f"{SATURDAY}17:00:00Z", ADA, comment(ADA), status("open", "new"))
    story.fulfilled(101, "reply_time", 1, f"{SATURDAY}17:00:00Z", 180, 180)


def _schedule_of_a_trigger_the_other_way_round(story: _Teller) -> None:
    """Ten minutes of always, then closed until Monday at 9, answered half an hour later."""
    story.opened(102, f"{SATURDAY}14:00:00Z")
    story.promised(102, "reply_time", 1, f"{SATURDAY}14:00:00Z", 60, business=True)
    story.update(102, f"{SATURDAY}14:10:00Z", -1, schedule(NEW_YORK, ALWAYS))
    story.update(102, f"{MONDAY}13:30:00Z", ADA, comment(ADA), status("open", "new"))
    story.fulfilled(102, "reply_time", 1, f"{MONDAY}13:30:00Z", 2850, 30)


def _asked_again(story: _Teller, ticket: int) -> int:
    """Asked, answered, asked again within the promise; then the promise goes, and the customer asks once more."""
    customer = story.opened(ticket, f"{MONDAY}13:00:00Z")
    story.update(ticket, f"{MONDAY}13:20:00Z", ADA, comment(ADA), status("open", "new"))
    story.update(ticket, f"{MONDAY}14:00:00Z", customer, comment(customer))
    story.promised(ticket, "reply_time", 2, f"{MONDAY}14:00:00Z", 60)
    story.update(ticket, f"{MONDAY}14:30:00Z", ADA, comment(ADA))
    story.fulfilled(ticket, "reply_time", 2, f"{MONDAY}14:30:00Z", 30)
    return customer


def _policy_removed(story: _Teller) -> None:
    customer = _asked_again(story, 103)
    story.update(103, f"{MONDAY}15:00:00Z", ADA, change("sla_policy", None, "Gold"))
    story.update(103, f"{MONDAY}16:00:00Z", customer, comment(customer))
    story.update(103, f"{MONDAY}20:00:00Z", ADA, comment(ADA))


def _policy_replaced(story: _Teller) -> None:
    customer = _asked_again(story, 104)
    story.update(104, f"{MONDAY}15:00:00Z", ADA, change("sla_policy", "Silver", "Gold"))
    story.promised(104, "requester_wait_time", 1, f"{MONDAY}15:00:00Z", 600, "Silver")
    story.update(104, f"{MONDAY}16:00:00Z", customer, comment(customer))
    story.update(104, f"{MONDAY}20:00:00Z", ADA, comment(ADA))


def _solved_without_a_reply(story: _Teller, ticket: int, solved_at: str, minutes: int) -> None:
    story.opened(ticket, f"{MONDAY}13:00:00Z")
    story.promised(ticket, "reply_time", 1, f"{MONDAY}13:00:00Z", 60)
    if minutes > 60:
        story.measured(ticket, "reply_time", 1, "breach", f"{MONDAY}14:00:00Z")
    story.update(ticket, f"{MONDAY}{solved_at}:00Z", ADA, status("solved", "new"))
    story.fulfilled(ticket, "reply_time", 1, f"{MONDAY}{solved_at}:00Z", minutes)


def _merged(story: _Teller) -> None:
    story.opened(107, f"{MONDAY}13:00:00Z")
    story.promised(107, "reply_time", 1, f"{MONDAY}13:00:00Z", 120)
    closing = comment(ADA, public=False, via="Merge", via_reference_id=101, body="Merged into request #101")
    story.update(107, f"{MONDAY}14:00:00Z", ADA, closing, status("closed", "new"), change("tags", ["closed_by_merge"], []))
    story.fake.tickets[107]["tags"] = ["closed_by_merge"]
    story.fulfilled(107, "reply_time", 1, f"{MONDAY}14:00:00Z", 60)


def _opened_by_an_agent(story: _Teller) -> None:
    """Zendesk's first reply clock starts when the customer answers, and the next one when the customer asks again."""
    story.opened(108, f"{MONDAY}13:00:00Z", ADA, submitter_id=ADA)
    story.update(108, f"{MONDAY}15:00:00Z", 1108, comment(1108), status("open", "new"))
    story.promised(108, "reply_time", 1, f"{MONDAY}15:00:00Z", 60)
    story.update(108, f"{MONDAY}15:30:00Z", ADA, comment(ADA))
    story.fulfilled(108, "reply_time", 1, f"{MONDAY}15:30:00Z", 30)
    story.update(108, f"{MONDAY}16:00:00Z", 1108, comment(1108))
    story.promised(108, "reply_time", 2, f"{MONDAY}16:00:00Z", 60)
    story.update(108, f"{MONDAY}16:45:00Z", ADA, comment(ADA))
    story.fulfilled(108, "reply_time", 2, f"{MONDAY}16:45:00Z", 45)


def _opened_by_an_agent_and_never_answered(story: _Teller) -> None:
    story.opened(109, f"{MONDAY}13:00:00Z", ADA, submitter_id=ADA)
    story.update(109, f"{MONDAY}18:00:00Z", ADA, status("solved", "new"))


def _deleted(story: _Teller) -> None:
    story.opened(110, f"{MONDAY}13:00:00Z")
    story.promised(110, "reply_time", 1, f"{MONDAY}13:00:00Z", 60)
    story.fake.touch(110, f"{MONDAY}13:30:00Z", status="deleted")


def _a_reply_that_solves(story: _Teller) -> None:
    """It keeps one promise of an update, and owes no other."""
    story.opened(111, f"{MONDAY}13:00:00Z")
    story.update(111, f"{MONDAY}13:20:00Z", ADA, comment(ADA), status("open", "new"))
    story.promised(111, "periodic_update_time", 1, f"{MONDAY}13:20:00Z", 120)
    story.update(111, f"{MONDAY}15:00:00Z", ADA, comment(ADA), status("solved", "open"))
    story.fulfilled(111, "periodic_update_time", 1, f"{MONDAY}15:00:00Z", 100)


def _handed_from_group_to_group(story: _Teller) -> None:
    """Billing has it for 40 of 30 minutes, Tech for 50 of 60 while it waits for the customer; Billing again, of which nothing is promised."""
    story.opened(112, f"{MONDAY}13:00:00Z", group_id=301)
    _promised_of_the_group(story, 112, 1, f"{MONDAY}13:00:00Z", 30, "Billing", 7)
    story.measured(112, "group_ownership_time", 1, "breach", f"{MONDAY}13:30:00Z")
    story.update(112, f"{MONDAY}13:40:00Z", ADA, change("group_id", "305", "301"))
    story.fulfilled(112, "group_ownership_time", 1, f"{MONDAY}13:40:00Z", 40)
    _promised_of_the_group(story, 112, 2, f"{MONDAY}13:40:02Z", 60, "Tech", 8)
    story.update(112, f"{MONDAY}13:50:00Z", ADA, comment(ADA), status("pending", "new"))
    story.update(112, f"{MONDAY}14:30:00Z", ADA, change("group_id", "301", "305"), status("open", "pending"))
    story.fulfilled(112, "group_ownership_time", 2, f"{MONDAY}14:30:00Z", 50)
    story.update(112, f"{MONDAY}15:00:00Z", ADA, status("solved", "open"))


def _promised_of_the_group(story: _Teller, ticket: int, instance: int, at: str, minutes: int, policy: str, number: int) -> None:
    story.measured(ticket, "group_ownership_time", instance, "activate", at)
    story.measured(ticket, "group_ownership_time", instance, "apply_group_sla", at, group_sla=sla(minutes, policy, number, business=False))
