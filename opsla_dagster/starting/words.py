"""What the statuses of a log mean, in the languages of the help desks that write them. A word that is not sure is left to a person.

Belongs here: the vocabulary of statuses, and how words are made comparable. Does not belong here: names of columns (`column_names`), and
counts of any log. The words are those of Jira, ServiceNow, Zendesk, Freshdesk, OTRS and Znuny, Zammad, GLPI, HubSpot, Redmine and BMC.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import pairwise

from opsla_dagster.status import Signal

#: Combining marks of Latin letters; the marks that voice a Japanese syllable are letters of their own.
_ACCENTS = re.compile("[\u0300-\u036f]")
_JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")

#: Tokens beside which a word still means what it means.
_FILLERS = {
    "ticket", "case", "incident", "issue", "request", "status", "state", "to", "is", "was", "the", "by", "for", "from", "on", "a", "been",
    "has", "being", "automatically", "user", "customer", "agent", "again", "it", "set",
    # de, fr, es, pt, it, nl
    "vorgang", "anfrage", "fall", "wurde", "ist", "der", "die", "das", "dem", "den", "vom", "von", "auf", "ein", "eine",
    "demande", "requete", "statut", "le", "la", "les", "l", "d", "du", "de", "des", "un", "une", "par", "au", "aux", "est", "ete",
    "solicitud", "incidencia", "caso", "estado", "el", "los", "las", "del", "por", "al", "una",
    "chamado", "solicitacao", "o", "os", "as", "do", "da", "dos", "pelo", "pela", "ao",
    "richiesta", "stato", "il", "lo", "gli", "i", "di", "della", "dal", "dalla", "alla",
    "melding", "verzoek", "het", "een", "van", "door", "op", "aan",
}
#: In front of who has the case: with customer, beim Kunden, chez le client.
_WITH = {"with", "bei", "beim", "chez", "con", "com", "bij"}
_ARTICLES = {"the", "end", "dem", "le", "el", "la", "o", "a", "il", "de", "het"}
#: In front of a word that says how far a case is: en cours, in Bearbeitung, em andamento.
_IN = {"in", "en", "em"}
#: Whatever stands beside these, the opposite may be meant.
_NOT = {"not", "nicht", "niet", "nao", "un"}
#: These too, unless the word begins with an end: `Closed - no response`.
_WITHOUT = {"no", "non", "pas", "without", "ohne", "sans", "sin", "senza", "sem", "zonder", "kein", "keine", "never"}

_IS_CLOSED = (
    r"closed|geschlossene?|abgeschlossen|fermee?s?|clos|cloturee?s?|cerrad[oa]s?|fechad[oa]s?|encerrad[oa]s?|chius[oaie]|gesloten|afgesloten"
)
_CLOSED = rf"closes?|closing|closure|{_IS_CLOSED}"
_RESOLVED = (
    r"solved?|resolved?|resolves|resolution|done|fix(ed)?|completed?|geloe?st|erledigt|behoben|fertig|fertiggestellt|resolue?s?|terminee?s?"
    r"|resuelt[oa]s?|solucionad[oa]s?|resolvid[oa]s?|concluid[oa]s?|finalizad[oa]s?|terminad[oa]s?|completad[oa]s?|listo|hecho"
    r"|risolt[oaie]|completat[oaie]|conclus[oaie]|opgelost|afgehandeld|verholpen|voltooid|gereed"
)
_IS_CANCELLED = r"cancell?ed|abgebrochen|storniert|annulee?s?|cancelad[oa]s?|anulad[oa]s?|annullat[oaie]|geannuleerd"
_CANCELLED = (
    rf"cancel(s|l?ing|lation)?|void(ed)?|withdrawn|zurue?ckgezogen|ingetrokken|duplicated?|duplikat|doublon|duplicad[oa]s?|duplicat[oi]|duplicaat|{_IS_CANCELLED}"
)
_MERGED = (
    r"merged?|zusammengefue?hrt|zusammengefasst|fusionnee?s?|fusionad[oa]s?|mesclad[oa]s?|accorpat[oaie]|samengevoegd"
)
_REOPENED = (
    r"re-?open(ed|s|ing)?|wiedereroe?ffnet|wiedergeoe?ffnet|rouverte?s?|reouverte?s?|reabiert[oa]s?|reabert[oa]s?|riapert[oaie]|heropend"
)
#: These words hold whatever follows: `Closed - no response`.
_LEADING = re.compile(rf"resolved|solved|reopened|completed|{_IS_CLOSED}|{_IS_CANCELLED}")
_CUSTOMER = {
    "user", "users", "customer", "customers", "client", "clients", "requester", "requestor", "caller", "enduser", "contact",
    "kunde", "kunden", "anwender", "benutzer", "melder", "anforderer", "demandeur", "utilisateur", "appelant", "cliente", "clientes",
    "usuario", "usuarios", "solicitante", "contacto", "contato", "requerente", "richiedente", "utente", "chiamante", "contatto", "klant",
    "gebruiker", "aanvrager", "beller",
}
_VENDOR = {
    "vendor", "vendors", "supplier", "party", "3rdparty", "thirdparty", "manufacturer", "lieferant", "lieferanten", "hersteller",
    "drittanbieter", "fournisseur", "tiers", "prestataire", "proveedor", "terceros", "tercero", "fornecedor", "terceiros", "terceiro",
    "fornitore", "terzi", "leverancier", "derden", "derde",
}
_WAIT = re.compile(
    r"pending|wait|waiting|waits|await|awaiting|awaits|warten|wartet|wartend|warte|ausstehend|attente|attend|pendientes?|espera|esperando"
    r"|pendentes?|aguardando|aguarda|attesa|wachten|wacht|wachtend|afwachting"
)
_CUSTOMER_EXTRA = {
    "info", "information", "informations", "reply", "response", "feedback", "input", "end", "answer", "confirmation",
    "antwort", "rueckmeldung", "ruckmeldung", "rueckfrage", "ruckfrage", "bestaetigung", "bestatigung", "reponse", "retour", "respuesta",
    "confirmacion", "informacion", "resposta", "retorno", "confirmacao", "informacao", "informacoes", "risposta", "riscontro", "informazioni",
    "conferma", "antwoord", "reactie", "informatie", "bevestiging",
}
_REPLIES = re.compile(r"(reply|replied|replies|message|comment|commented|response|responded|answer|answered)")
_ANSWERS = {"reply", "response", "answer"}
_NOTES = re.compile(r"(note|notes|comment|message)")
_PRIVATE = {"internal", "private", "work", "worknote"}

_RULES: list[tuple[str, Signal]] = [
    (_MERGED, Signal.MERGED),
    (_REOPENED, Signal.REOPENED),
    (_CANCELLED, Signal.CANCELLED),
    (r"escala[td]\w*|eskaliert|eskalation|geescaleerd|scalat[oa]", Signal.ESCALATED),
    (
        r"hold|onhold|paused?|suspended|angehalten|pausiert|zurue?ckgestellt|wartestellung|warteschleife|suspendue?s?|suspendid[oa]s?"
        r"|pausad[oa]s?|pausa|suspens[oa]s?|sospes[oaie]|sospeso|aangehouden|gepauzeerd",
        Signal.ON_HOLD,
    ),
    (r"review(ed|ing|s)?|qa", Signal.REVIEW_QA),
    (r"triag\w*|triaje", Signal.TRIAGE),
    (_CLOSED, Signal.CLOSED),
    (_RESOLVED, Signal.RESOLVED),
    (
        r"(re)?assign(ed|s|ment)?|zugewiesen|zugeteilt|assignee?s?|attribuee?s?|affectee?s?|asignad[oa]s?|atribuid[oa]s?|assegnat[oaie]"
        r"|toegewezen",
        Signal.ASSIGNED,
    ),
    (
        r"progress|active|working|investigat\w*|wip|processing|bearbeitung|arbeit|aktiv|cours|encours|traitement|actif|curso|proceso|progreso"
        r"|activo|andamento|progresso|atendimento|processando|ativo|corso|lavorazione|attivo|behandeling|uitvoering|bezig|actief",
        Signal.INVESTIGATION,
    ),
    (
        r"new|open|opened|created?|creation|submitted|logged|register(ed)?|received|todo|neue?|offene?|eroe?ffnet|geoe?ffnet|erstellt"
        r"|eingegangen|nouveau|nouvelle|ouverte?s?|creee?s?|nuev[oa]s?|abiert[oa]s?|cread[oa]s?|registrad[oa]s?|recibid[oa]s?|nov[oa]s?"
        r"|abert[oa]s?|criad[oa]s?|recebid[oa]s?|nuov[oaie]|apert[oaie]|creat[oi]|nieuwe?|aangemaakt|geregistreerd|ontvangen",
        Signal.INTAKE,
    ),
]
#: Words that belong to what a rule says: in progress, quality review, on hold.
_TOGETHER = {
    Signal.INVESTIGATION: {
        "in", "work", "under", "progress", "assigned", "planned", "zugewiesen", "geplant", "attribue", "planifie", "asignada", "asignado",
        "planificada", "planificado", "atribuido", "planejado", "planeado", "assegnato", "pianificato", "toegewezen", "gepland", *_IN,
    },
    Signal.REVIEW_QA: {"quality", "in", "peer", "review", "qa", "under"},
    Signal.ON_HOLD: {"put", "placed", *_IN}, Signal.CUSTOMER_WAIT: _CUSTOMER_EXTRA | _IN,
    Signal.VENDOR_WAIT: {
        "third", "3rd", "external", "response", "reply", "externe", "externen", "dritte", "dritten", "reponse", "respuesta", "resposta",
        "risposta", "antwort", "antwoord", *_IN,
    },
    Signal.ESCALATED: {"tier", "level", "l1", "l2", "l3", "l4", "1", "2", "3", "4"},
    Signal.TRIAGE: _IN, Signal.ASSIGNED: {"group", "team", "gruppe", "groupe", "grupo", "gruppo", "groep", "equipo", "equipe"},
    Signal.INTAKE: {"created", "new", "open", "opened", "neu"}, Signal.RESOLVED: {"fixed", "resolved", "done", "auto"},
    Signal.MERGED: {"into", "with", "another", "other", "in", "mit", "avec", "con", "com", "met"},
    Signal.CANCELLED: {"as", "of"},
    Signal.CLOSED: {"auto", "successful", "successfully", "unsuccessful", "erfolgreich", "erfolglos"},
    Signal.REOPENED: {"wieder", "erneut"},
}
#: Jira Service Management creates a request in it, and puts it back there when the customer has answered: as `Open` elsewhere.
WAITS_FOR_US = "waiting for support"
#: Phrases that no rule reads.
_PHRASES = {
    "to do": Signal.INTAKE, "zu erledigen": Signal.INTAKE, "a faire": Signal.INTAKE, "por hacer": Signal.INTAKE,
    "tareas por hacer": Signal.INTAKE, "a fazer": Signal.INTAKE, "da fare": Signal.INTAKE, "te doen": Signal.INTAKE,
    "in de wacht": Signal.ON_HOLD, "pending reminder": Signal.ON_HOLD, "warten zur erinnerung": Signal.ON_HOLD,
    "wieder offen": Signal.REOPENED, "erneut offen": Signal.REOPENED, "wieder geoffnet": Signal.REOPENED, "wieder eroffnet": Signal.REOPENED,
    "erneut geoffnet": Signal.REOPENED, "wieder geoeffnet": Signal.REOPENED, "opnieuw geopend": Signal.REOPENED,
    "waiting on contact": Signal.CUSTOMER_WAIT,
    WAITS_FOR_US: Signal.INTAKE,
}
_JAPANESE_CUSTOMER = r"(顧客|お客様|お客さま|ユーザー?|利用者|依頼者|申請者|問い?合わせ者)"
_JAPANESE_VENDOR = r"(ベンダー?|業者|メーカー|外部|サードパーティー?|第三者|協力会社)"
_JAPANESE_ANSWER = r"(側)?(から)?の?(回答|返信|返答|連絡|確認|対応|情報)?"
_JAPANESE_WORDS: list[tuple[str, Signal]] = [
    (r"新規(作成|登録|受付)?|未対応|未着手|作業前|受付(中|済み?)?|起票(済み?)?|登録済み?|オープン", Signal.INTAKE),
    (r"トリアージ中?", Signal.TRIAGE),
    (r"(担当者?)?(割り?当て?|アサイン)済み?|担当者?決定", Signal.ASSIGNED),
    (r"対応中|処理中|進行中|作業中|調査中|着手(中|済み?)?", Signal.INVESTIGATION),
    (r"エスカレ(ーション|ート)(中|済み?)?", Signal.ESCALATED),
    (rf"{_JAPANESE_CUSTOMER}{_JAPANESE_ANSWER}待ち?|回答待ち|返信待ち|返答待ち", Signal.CUSTOMER_WAIT),
    (rf"{_JAPANESE_VENDOR}{_JAPANESE_ANSWER}待ち?", Signal.VENDOR_WAIT),
    (r"保留中?|待機中|一時停止中?|中断中?|ペンディング", Signal.ON_HOLD),
    (r"レビュー中", Signal.REVIEW_QA),
    (r"解決(済み?)?|対応済み?|対応完了|処理済み?|完了(済み?)?", Signal.RESOLVED),
    (r"クローズ(ド|済み?)?|終了(済み?)?", Signal.CLOSED),
    (r"キャンセル(済み?)?|取り?消し?(済み?)?|取り?下げ(済み?)?|重複", Signal.CANCELLED),
    (r"マージ済み?|統合済み?", Signal.MERGED),
    (r"再オープン|再開(済み?)?", Signal.REOPENED),
]
#: Names of those who answer by themselves.
_AUTOMATIC = re.compile(r"(chat|answer|auto)?bots?|robots?|automat\w*|autorespon\w*|autoreply|system|noreply|workflow|ボット|自動応答|システム")
#: Names that a message lists.
MOST_LISTED = 40
#: What sources.yml says of a word that is left out on purpose.
IGNORE = "IGNORE"


def listed(names: Sequence[str]) -> str:
    """Names in a row; of very many the first."""
    more = len(names) - MOST_LISTED
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:MOST_LISTED])} and {more:,} more"


def plain_name(text: str) -> str:
    """Letters a-z, digits and `_`: what a source can be called. `Changed at`, `changedAt` and `CHANGED_AT` are one name."""
    return re.sub(r"[^a-z0-9]+", "_", folded(text)).strip("_")


def folded(text: str) -> str:
    """Words in lower case, without accents, one blank between them: `Résolu`, ` RESOLU ` and `resolu` are one word."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text.strip())
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", spaced.casefold()))
    return " ".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", bare)))


def spelled_alike(word: str) -> str:
    """What a status is matched by: blanks around it, and its case, do not count."""
    return word.strip().casefold()


#: `New (Support Pipeline)`, not `Closed (not solved)`, which says another thing.
_BEHIND = re.compile(r"(.*\S)\s*\([^()]*\b(?:pipeline|board|queue|project|workflow)\b[^()]*\)", re.IGNORECASE)


def signal_of(word: str) -> Signal | None:
    """What a status of a log means; None where that is not sure. What stands in brackets behind it is the pipeline or board it is of."""
    said = _signal_of(word)
    inside = _BEHIND.fullmatch(word) if said is None else None
    return _signal_of(inside[1]) if inside else said


def _signal_of(word: str) -> Signal | None:
    phrase = folded(word)
    if _JAPANESE.search(phrase):
        return _japanese(phrase)
    if phrase in _PHRASES:
        return _PHRASES[phrase]
    tokens = phrase.split()
    is_end = bool(tokens) and bool(_LEADING.fullmatch(tokens[0]))
    is_undone = tokens[:1] == ["de"]  # `De-escalated`
    if not tokens or is_undone or set(tokens) & _NOT or (set(tokens) & _WITHOUT and not is_end):
        return None
    if not is_end and (said := _said(tokens)) is not None:
        return said
    if any(_WAIT.fullmatch(token) for token in tokens):
        return _waits_for(tokens)
    if set(tokens) & _VENDOR and _only(tokens, _VENDOR | _TOGETHER[Signal.VENDOR_WAIT] | {"with", "at"}):
        return Signal.VENDOR_WAIT
    if tokens[0] in _WITH and tokens[1:] and all(token in _CUSTOMER or token in _ARTICLES for token in tokens[1:]) and tokens[-1] in _CUSTOMER:
        return Signal.CUSTOMER_WAIT
    return _ruled(tokens)


def is_vague(word: str) -> bool:
    """A wait that does not say for whom."""
    tokens = [token for token in folded(word).split() if token not in _IN]
    return bool(tokens) and all(_WAIT.fullmatch(token) for token in tokens)


def is_automatic(name: str) -> bool:
    """Whether somebody's name is that of a bot or an automation."""
    return any(_AUTOMATIC.fullmatch(token) for token in folded(name).split()) or "no reply" in folded(name)


def signals_of(words: Iterable[str]) -> dict[str, Signal | None]:
    """What each status means. Where a log has both `new` and `open`, open is worked on, and where it has `pendiente`, `en espera` is on hold, as in Zendesk."""
    found = {word: signal_of(word) for word in words}
    said = {folded(word) for word in found}
    if said & _NEW:
        found.update({word: Signal.INVESTIGATION for word in found if folded(word) in _OPEN})
    if said & _PENDING:
        found.update({word: Signal.ON_HOLD for word in found if folded(word) in _WAITING_TOO})
    return found


_NEW = {"new", "created", "neu", "nouveau", "nouvelle", "nuevo", "nueva", "novo", "nova", "nuovo", "nuova", "nieuw", "新規", "erstellt"}
_OPEN = {"open", "offen", "ouvert", "ouverte", "abierto", "abierta", "aberto", "aberta", "aperto", "aperta", "オープン", WAITS_FOR_US}
_PENDING = {"pendiente", "pendente"}
_WAITING_TOO = {"en espera", "em espera"}


def _japanese(phrase: str) -> Signal | None:
    written = phrase.replace(" ", "")
    return next((signal for pattern, signal in _JAPANESE_WORDS if re.fullmatch(pattern, written)), None)


def _waits_for(tokens: list[str]) -> Signal | None:
    rest = [token for token in tokens if not _WAIT.fullmatch(token)]
    if set(rest) & _VENDOR and _only(rest, _VENDOR | _TOGETHER[Signal.VENDOR_WAIT] | {"with"}):
        return Signal.VENDOR_WAIT
    if "hold" in rest and _only(rest, {"hold"}):
        return Signal.ON_HOLD
    if _only(rest, _CUSTOMER | _CUSTOMER_EXTRA | _IN) and "agent" not in rest:
        return Signal.CUSTOMER_WAIT
    return None


def _said(tokens: list[str]) -> Signal | None:
    """Replies and notes; who says it must be told."""
    told = set(tokens)
    if told & _PRIVATE and any(_NOTES.fullmatch(token) for token in tokens):
        return Signal.PRIVATE_NOTE
    if any(_WAIT.fullmatch(token) for token in tokens) or not any(_REPLIES.fullmatch(token) for token in tokens):
        return None
    rest = [token for token in tokens if not _REPLIES.fullmatch(token)]
    if "bot" in told and _only(rest, {"bot", "public", "sent", "added"}):
        return Signal.BOT_REPLY
    if told & {"public", "agent"} and _only(rest, {"public", "agent", "sent", "added", "to", "first"}):
        return Signal.PUBLIC_REPLY
    if "first" in told and told & _ANSWERS and set(rest) <= {"first", "sent"}:
        return Signal.PUBLIC_REPLY  # what every desk measures; the customer's own first words are a request
    if told & _CUSTOMER and _only(rest, _CUSTOMER | {"received", "added", "from", "by", "end"}):
        return Signal.CUSTOMER_MESSAGE
    return None


def _ruled(tokens: list[str]) -> Signal | None:
    if ("re", "open") in pairwise(tokens) or ("re", "opened") in pairwise(tokens):
        return Signal.REOPENED
    if _LEADING.fullmatch(tokens[0]) and (other := _ended_otherwise(tokens)) is not None:
        return other
    for pattern, signal in _RULES:
        if not any(re.fullmatch(pattern, token) for token in tokens):
            continue
        rest = [token for token in tokens if not re.fullmatch(pattern, token)]
        if _LEADING.fullmatch(tokens[0]) and re.fullmatch(pattern, tokens[0]):
            return signal
        if _only(rest, _TOGETHER.get(signal, set())):
            return signal
    return None


def _ended_otherwise(tokens: list[str]) -> Signal | None:
    """`Closed - duplicate`, `Closed (merged)`: an end that says it is no solution."""
    return next((signal for pattern, signal in _RULES if signal in _NO_SOLUTION and any(re.fullmatch(pattern, token) for token in tokens)), None)


_NO_SOLUTION = {Signal.MERGED, Signal.CANCELLED}


def _only(tokens: Iterable[str], allowed: set[str]) -> bool:
    return all(token in allowed or token in _FILLERS for token in tokens)
