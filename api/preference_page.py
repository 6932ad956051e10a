"""The preference page itself: what stands as a form, and above it what was saved."""

from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from api.context import Context
from api.language import Language
from api.preference_words import CLOSED, LABELS, NAMES, PHRASES
from api.visits import Visit, show
from channels.wording import long_date
from models.calendar import zone_of
from models.preferences import CHANNELS, MEASURES, TOPICS, Choice, Holdings
from store.preferences import Saved

_GROUPS: Final = {
    "channels": tuple(CHANNELS),
    "topics": tuple(TOPICS),
    "measures": tuple(MEASURES),
    "pause": (Choice.PAUSE,),
}


def wording(visit: Visit, language: Language, choice: Choice) -> str:
    """Return what a box says to who ticks it."""
    name, sentence = LABELS[language][choice]
    return f"{name}: {sentence.format(shop=_name(visit, language))}"


def _name(visit: Visit, language: Language) -> str:
    return visit.shop.name if visit.shop else PHRASES[language]["shop"]


@dataclass(frozen=True, slots=True)
class Page:
    """The page of one customer in one language."""

    visit: Visit
    held: Holdings
    language: Language

    def answer(self, context: Context, saved: Saved | None = None) -> Response:
        """Show the form, and above it what was saved."""
        phrases = PHRASES[self.language]
        result = [] if saved is None else self._result(saved)
        title = "title" if saved is None else "saved_title" if result else "same_title"
        return show(
            context,
            self.visit,
            self.language,
            "preferences.html.j2",
            title=phrases[title],
            say=phrases,
            intro=phrases["intro"].format(shop=_name(self.visit, self.language)),
            answered=saved is not None,
            result=result,
            groups=[group for name in _GROUPS if (group := self._group(name))],
            languages=NAMES,
            shown=" ".join([*sorted(self.held.on), self.language]),
        )

    def _group(self, name: str) -> dict[str, object] | None:
        phrases = PHRASES[self.language]
        boxes = [self._box(choice) for choice in _GROUPS[name] if choice in self.held.offered]
        hint = phrases.get(f"{name}_hint", "")
        return {"name": name, "legend": phrases[name], "hint": hint, "boxes": boxes} if boxes else None

    def _box(self, choice: Choice) -> dict[str, object]:
        phrases = PHRASES[self.language]
        label, hint = LABELS[self.language][choice]
        if choice is Choice.PAUSE and self.held.paused_until is not None:
            label, hint = self._paused(), phrases["paused_hint"]
        return {
            "name": str(choice),
            "label": label,
            "hint": hint.format(shop=_name(self.visit, self.language)),
            "on": choice in self.held.on,
            "note": self._note(choice),
        }

    def _note(self, choice: Choice) -> str:
        """Say why a channel stays closed whatever is ticked."""
        reason = self.held.closed.get(choice)
        this = PHRASES[self.language].get(f"{choice}_this", "")
        return CLOSED[self.language][reason].format(this=this) if reason else ""

    def _paused(self) -> str:
        """Say until when messages pause, by the customer's calendar."""
        until = self.held.paused_until
        shop = self.visit.shop.timezone if self.visit.shop else "UTC"
        zone = zone_of(self.held.customer.timezone, shop)
        day = long_date(until.astimezone(zone).date(), self.language) if until else ""
        return PHRASES[self.language]["paused"].format(date=day)

    def _result(self, saved: Saved) -> list[str]:
        """Tell what was saved, a line each."""
        phrases = PHRASES[self.language]
        lines = [phrases["left"]] if saved.left else []
        lines += [self._line(choice, yes=yes) for choice, yes in saved.wishes.items()]
        if saved.language is not None:
            lines.append(phrases["new_language"].format(name=NAMES[self.language]))
        if saved.left or any(one in CHANNELS and not yes for one, yes in saved.wishes.items()):
            lines.append(phrases["under_way"])
        return lines

    def _line(self, choice: Choice, *, yes: bool) -> str:
        phrases = PHRASES[self.language]
        if choice is Choice.PAUSE:
            return self._paused() if yes else phrases["pause_no"]
        told = phrases["yes" if yes else "no"].format(name=LABELS[self.language][choice][0])
        return f"{told}. {self._note(choice)}" if yes and self._note(choice) else told
