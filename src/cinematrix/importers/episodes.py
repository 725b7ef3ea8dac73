"""Titles of episodes, as Netflix writes them in its languages: `Show: Season 1: Pilot`."""

import re

_SEASON = re.compile(
    r"(?:season|series|staffel|saison|temporada|stagione|seizoen|sezon|sæson|sasong|säsong|sesong|kausi|évad|sezóna|sezona|sezonul|řada|rada|séria|κύκλος|κυκλος|сезона|série|"
    r"serie|сезон|σεζόν|עונה|الموسم|シーズン|시즌|ซีซั่น|musim|mùa|epizoda|episode|episodio|episódio|épisode|folge|avsnitt|"
    r"afsnit|jakso|odcinek|aflevering|bölüm|серия|эпизод|エピソード|에피소드|第)\s*\d+(?:\s*(?:[季集話话期화시즌]|-?\w{0,2}))?"
    r"|\d+\.?\s*(?:sezon|sezona|sezóna|řada|séria|сезон|évad|kausi|bölüm|시즌|시리즈|화|série|staffel)"
    r"|s\d{1,2}\s?[:.]?\s?e\d{1,3}"
    r"|(?:limited series|miniserie|mini-?series|miniseries|minisérie|mini-série|miniserien|мини-сериал|"
    r"리미티드 시리즈|リミテッドシリーズ|serie limitada|série limitada|miniserial)",
    re.IGNORECASE,
)
_PART = re.compile(
    r"(?:part|parte|partie|teil|deel|del|część|volume|volumen|vol\.?|book|buch|livre|libro|livro|chapter|kapitel|chapitre|"
    r"capítulo|capitulo|capitolo|chapter|collection|часть|глава|том|パート|파트)\s+[\w.]+(?: .*)?",
    re.IGNORECASE,
)


def is_episode_title(title: str) -> bool:
    """Return whether a title is that of an episode, as Netflix writes them: `Show: Season 1: Pilot`.

    A part or chapter marks an episode only if a further title follows: `Kill Bill: Vol. 2` is a film.

    >>> [is_episode_title(t) for t in ("Dark: Staffel 2: Folge 1", "Kill Bill: Vol. 2", "Lupin: Part 1: Chapter 1")]
    [True, False, True]
    """
    parts = [part.strip() for part in re.split(r"\s*[:：]\s+|：", title)]
    if any(_SEASON.fullmatch(part) for part in parts[1:]):
        return True
    followed = parts[1:-1]
    return any(_PART.fullmatch(part) for part in followed) or (len(parts) > 2 and parts[1].startswith(f"{parts[0]} "))
