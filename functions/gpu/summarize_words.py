"""Words of a language as the extractive summarizer sees them: tokens, stems, and which words carry no meaning."""

import re
from collections.abc import Iterable
from itertools import islice

import snowballstemmer

_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
_SYLLABIC_SCRIPTS = "\u0900"  # from here on (Devanagari, Thai, Hangul, …) two characters make a word of meaning
_ELIDING = frozenset({"ca", "fr", "it"})

_STEMMERS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "eo": "esperanto", "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish",
    "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian",
    "it": "italian", "lt": "lithuanian", "nb": "norwegian", "ne": "nepali", "nl": "dutch", "nn": "norwegian",
    "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian",
    "st": "sesotho", "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip

_STOP_WORDS = {
    "en": """a about above after again against ago ah all alright also although always am an and another any
        anybody anyone anything anyway are aren't around as at away back basically be because been before being
        below between bit both but by can can't cannot could couldn't did didn't do does doesn't doing don't
        done down during each either else enough er even ever every everybody everyone everything exactly far
        few for from further gonna got had hadn't has hasn't have haven't having he he'd he'll he's her here
        here's hers herself hey him himself his hmm how how's however i i'd i'll i'm i've if in instead into is
        isn't it it'd it'll it's its itself just kind kinda less let let's like lot lots many may maybe me mhm
        might more most much must my myself never no nobody none nor not nothing now of off oh ok okay on once
        one ones only onto or other others ought our ours ourselves out over own perhaps please pretty probably
        quite rather really right same shall she she'd she'll she's should shouldn't since so some somebody
        someone something sometimes somewhere sort still such than that that'd that'll that's the their theirs
        them themselves then there there'll there's these they they'd they'll they're they've thing things this
        those though through thus to together too uh um under until up upon us very wanna was wasn't we we'd
        we'll we're we've well were weren't what what's whatever when where where's whether which while who
        who's whole whom whose why will with within without won't would wouldn't yeah yep yes yet you you'd
        you'll you're you've your yours yourself yourselves""",
    "de": """aber alle allem allen aller alles als also am an andere anderen auch auf aus bei beim bin bis bist
        da dabei dafür danke dann das dass dem den denn der des dich die dies diese diesem diesen dieser dieses
        dir doch dort du durch ein eine einem einen einer eines er es etwas euch euer für ganz gar genau gestern
        guten habe haben hallo hat hatte hatten heute hier hin ich ihm ihn ihnen ihr ihre im immer in ist ja
        jede jeden jeder jetzt kann kein keine können könnte mal man mehr mein meine meisten mich mir mit muss
        müssen nach nicht nichts noch nun nur ob oder ohne sagen schon sehr sein seine sich sie sind so soll
        sollen sollte sondern sprechen um und uns unser unsere unter viel vom von vor war waren warum was weil
        welche wenn wer werden wie wieder will wir wird wo wollen würde würden zu zum zur zwischen äh ähm über""",
    "es": """a al algo algunos ante antes aquí así aunque bien bueno cada como con contra cual cuando de del desde
        donde dos e el él ella ellas ellos en entonces entre era eran es esa esas ese eso esos esta está están estas
        este esto estos estoy fue fueron ha había han has hasta hay he la las le les lo los más me mi mis mucho muchos
        muy nada ni no nos nosotros o os otra otro para pero poco por porque pues que qué quien se sea ser si sí sin
        sobre somos son soy su sus también tan te tengo tenemos tiene tienen todo todos tu tus un una uno unos vamos
        voy y ya yo eh""",
    "fr": """à ai alors après as au aucun aussi autre aux avait avant avec avez avoir avons bah bien bon c ça car ce
        cela ces cet cette ceux chaque comme comment d dans de déjà des donc du elle elles en encore entre es est et
        était étaient été être eu euh eux fait faut hein il ils j je l la là le les leur leurs lui m ma mais me même
        mes moi mon n ne non nos notre nous on ont ou où oui par parce pas peu peut plus pour pourquoi qu quand que
        quel quelle qui quoi s sa sans se sera ses si son sont suis sur t ta te tes toi ton tous tout toute très tu un
        une va vais voilà vos votre vous y""",
    "it": """a abbiamo ad agli ai al alla alle allo anche ancora avere aveva bene c che chi ci come con così cosa cui
        d da dai dal dalla dalle dei del della delle dello deve di dopo dove due e è ed era erano essere fa fare fatto
        fra gli ha hai hanno ho i il in io l la le lei li lo loro lui ma me mi mia mio molto ne negli nei nel nella
        nelle no noi non nostra nostro o ogni per perché però più poi prima qual quale quando quanto quella quelle
        quelli quello questa queste questi questo qui se sei sempre senza si sì siamo sia solo sono sta stato su sua
        sulla suo tra tu tutti tutto un una uno va vi voi""",
    "nl": """aan al alle alleen als altijd andere bij daar dan dat de deze die dit doen door dus een eens en er even
        ga gaan geen goed had heb hebben heeft heel hem het hier hij hoe hun iets ik in is ja je jij jullie kan kun
        kunnen maar me meer men met mij mijn moet moeten na naar nee niet niets nog nou nu of om omdat onder ons onze
        ook op over te tegen toch toen tot u uit van veel voor waar waren was wat we wel werd wie wij wil worden wordt
        zal ze zich zij zijn zo zou""",
    "pt": """a ainda algum alguma ao aos aqui as às assim até bem cada com como da das de dele dela depois do dos e é
        ela elas ele eles em então entre era eram essa essas esse esses esta está estão estas este estes eu foi foram
        há isso isto já lá lhe mais mas me mesmo meu meus minha muito muitos na nada não nas nem nenhum no nos nós
        nossa nosso num numa o os ou para pela pelo por porque pra qual quando que quem se sem ser será seu seus só
        são sobre sua suas também te tem têm temos tenho ter teu toda todos tu tudo um uma umas uns vai vamos você
        vocês vou""",
}

_WEAK_WORDS = """action add admit afternoon agenda agree answer april ask august bad believe best better big
    billion bring build call check come day december decide different discuss dollar early easy eight end euro
    evening expect fact february feel fifteen fifty fill final find fine first five follow forget four friday
    full gentleman get give go good goodbye great guess guy half happen happy hard hear hello help hi high hope
    hour hundred idea important interesting item january july june keep know lady large last late leave like
    little long look love low main major make march mean mention million minor minute moment monday month
    morning move need new next nice night nine november number october old part people percent point possible
    pound prepare put quarter question quick read remember run saturday say second see seem send september set
    seven show simple six small soon sorry speak start stop sunday sure take talk tell ten thank thanks think
    third thirty thousand three thursday time today tomorrow tonight topic try tuesday turn twelve twenty two
    understand use wait walk want way wednesday week weekend welcome wonder word work worry write year yesterday"""


def plain(text: str) -> str:
    """Lower case with straight apostrophes, the form in which all patterns and word lists are written."""
    return text.lower().replace("’", "'")


def guess_language(texts: Iterable[str]) -> str | None:
    """The listed language whose stop words are most frequent in the beginning; None if none fits."""
    words = [word for text in islice(texts, 200) for word in _TOKEN.findall(plain(text))]
    hits = {code: sum(word in stop for word in words) for code, stop in _STOP_SETS.items()}
    best = max(hits, key=lambda code: hits[code])
    return best if hits[best] * 5 >= len(words) else None


class Language:
    """Tokens and terms of one language, by ISO 639-1 code.

    A language without a list here (or None) takes `common` and all words of one or two letters for stop words.
    """

    def __init__(self, code: str | None, common: frozenset[str] = frozenset()) -> None:
        self.code = code
        self.english = code == "en"
        self.listed = code in _STOP_SETS
        self._elides = code in _ELIDING
        self._stop = _STOP_SETS.get(code or "", common)
        algorithm = _STEMMERS.get(code or "")
        known = algorithm in snowballstemmer.algorithms()
        self._stemmer = snowballstemmer.stemmer(algorithm) if algorithm and known else None
        self._weak = frozenset(self._stem(word) for word in _WEAK_WORDS.split()) if self.english else frozenset[str]()
        self._terms: dict[str, str | None] = {}

    def tokens(self, text: str) -> list[tuple[str, int, int]]:
        """(word in plain form, where it starts, where it ends) of every word; scripts without spaces give bigrams."""
        # Lower-casing may lengthen a text ("İ"), so positions are taken from the text as it is.
        found: list[tuple[str, int, int]] = []
        for match in _TOKEN.finditer(text.replace("’", "'")):
            word, start, end = match[0].lower(), match.start(), match.end()
            if self._elides and "'" in word:
                start, word = match.start() + word.rfind("'") + 1, word.rpartition("'")[2]
            if _UNSPACED.search(word):
                found += [(match[0][i : i + 2], start + i, start + i + 2) for i in range(max(1, end - start - 1))]
            else:
                found.append((word, start, end))
        return found

    def term(self, word: str) -> str | None:
        """The stem of a word that carries meaning, else None."""
        if word not in self._terms:
            self._terms[word] = None if self._is_stop(word) else self._stem(word)
        return self._terms[word]

    def weak(self, term: str) -> bool:
        """Whether a term is too general for a title: days, numbers, everyday verbs."""
        return term in self._weak or term.isdigit()

    def _is_stop(self, word: str) -> bool:
        shortest = 2 if self.listed else 3
        return word in self._stop or (len(word) < shortest and word < _SYLLABIC_SCRIPTS)

    def _stem(self, word: str) -> str:
        return self._stemmer.stemWord(word) if self._stemmer else word


_STOP_SETS = {code: frozenset(words.split()) for code, words in _STOP_WORDS.items()}
