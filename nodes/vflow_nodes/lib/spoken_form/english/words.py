"""English abbreviations, acronyms, and words that decide how the number after them is read."""

from __future__ import annotations


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(text.split())


def pairs(text: str) -> dict[str, str]:
    """Return short forms with the words said for them, from "short said|short said"."""
    return {
        short: said
        for line in text.strip().splitlines()
        for short, _, said in (entry.partition(" ") for entry in line.split("|"))
    }


BEGINNERS = word_set(
    "He She It They We You The This That These His Her Its My Your Our But And So In At If When Then Please"
)
"""Words that begin a sentence and are no name."""
YEAR_WORDS = word_set(
    "in since by of until till from during year before after between and circa spring summer fall"
    " winter autumn early late mid"
)
NOT_MANY = word_set("is was has its this his as us does")
"""Words that end in -s but are no plural nouns."""

CODES = word_set(
    "code pin zip passcode password otp ssn serial tracking confirmation reference ref invoice flight"
    " extension ext plate cvv cvc vin iban isbn issn imei ending ends zips codes pins case"
)
"""Words after which, within a few words, digits are said one by one."""
PLACED = word_set(
    "room seat gate apt apartment suite unit row flat platform track building terminal exit lane door"
    " bay courtroom classroom box locker section block aisle shelf slot stall hall pier dock berth"
    " exhibit table figure level lot zone ward wing pod desk booth stand house question problem page"
    " step chapter part line form schedule bus route highway grade class tier phase lab studio office"
    " cabin number no item warehouse hangar bin rack drawer space spot parking floor"
)
"""Words after which a number with a letter is a place: "12B"."""
CODE_NEXT = word_set(
    "room suite http account error ticket ending ends policy rm dial text call flight extension ext pin"
    " zip code"
)
OWNERS = word_set("your my our the his her their this")
COUNTED = word_set(
    "seconds minutes hours days weeks months years people dollars digits characters letters times words"
    " percent points items pages more other"
)

VERSIONED = word_set(
    "version python java node node.js ios android windows macos ubuntu debian fedora release ruby php"
    " go rust perl kotlin swift gcc django react angular vue bluetooth usb chapter section kernel"
    " postgres mysql"
)

_ALSO_VERBS = word_set("go swift rust ruby node chapter section express")


def is_versioned(word: str) -> bool:
    """Tell whether a number after a word is a version: "Python 3.11", "Go 1.22", but not "go 1.2 miles"."""
    low = word.lower()
    return low in VERSIONED and not (word == low and low in _ALSO_VERBS - {"chapter", "section"})


LETTERED = word_set(
    "plan option part vitamin grade section type letter exhibit appendix figure table group team class"
    " hepatitis answer choice point column row item schedule gate unit room suite apartment hall"
    " building block pool division phase step level terminal zone wing bay side drive form size key note"
    " question problem version series"
)
"""Words after which a letter is no initial of a name."""
SHORT_WORDS = word_set(
    "of is to or pi if in on at as an am be by do go he it me my no so up us we ln oz ft lb mi"
)
_SOUNDS = word_set(
    "hm hmm hmmm mm mmm sh shh shhh psst pst pfft brr brrr grr grrr tsk zzz nth ng ngl cwm crwth tv"
)


def is_unpronounceable(core: str) -> bool:
    """Tell whether a short word has no vowel, so that its letters are said: "cv", "Hgb"."""
    low = core.lower()
    return (
        1 < len(core) < 6
        and core.isascii()
        and core.isalpha()
        and not set(low) & set("aeiouy")
        and (low not in _SOUNDS)
    )


HIGHWAYS = word_set("highway hwy route rte rt interstate us freeway expressway exit")
"""Words before a road's number; a letter after that number is a direction."""
NUMBERED = word_set(
    "chapter part act scene section volume book phase article war mark type level stage class grade"
    " bowl apollo episode round rocky title appendix figure table unit lesson schedule verse canto"
    " art ch vol sec pt stanza footnote clause item rule division region"
)
"""Words after which a Roman numeral is a cardinal."""
RULERS = word_set(
    "pope king queen henry louis edward george william charles james richard elizabeth napoleon pius"
    " benedict leo paul ramses frederick philip alexander nicholas peter catherine ivan umberto emmanuel"
    " gustav christian ferdinand victoria mary john francis wilhelm otto olaf harald haakon felipe juan"
    " carlos margrethe"
)

SAID_AS_WORDS = word_set(
    "NASA NATO UNESCO UNICEF OPEC AIDS COVID LASER RADAR SCUBA RAM ROM CAPTCHA SWAT FIFA NAFTA OSHA"
    " BIOS ASCII IKEA LEGO NASDAQ NASCAR NIMBY YOLO FOMO ICE FEMA HIPAA STEM SIM LAN WAN MIDI VISA GOP"
    " POTUS SCOTUS LIDAR SONAR PIN ZIP MEMS NORAD INTERPOL ASEAN BASIC COBOL FORTRAN LATEX UNIX LINUX"
) - {"GOP"}
SLANG = pairs(
    """
omg O M G|brb B R B|ttyl T T Y L|idk I D K|tbh T B H|imo I M O|imho I M H O|btw B T W|lol L O L
lmk L M K|smh S M H|irl I R L|fyi F Y I|asap A S A P|rofl R O F L|afk A F K|ngl N G L|ikr I K R
thx thanks|thnx thanks|pls please|plz please|ppl people|tmrw tomorrow|tmr tomorrow|ur your|cuz because
tho though|thru through|msg message|msgs messages|convo conversation|gr8 great|l8r later|l8 late|w8 wait
m8 mate|b4 before|2nite tonight|2day today|2moro tomorrow|2morrow tomorrow|str8 straight|h8 hate
any1 anyone|some1 someone|every1 everyone|dw don't worry|abt about|gtg got to go|g2g got to go
otw on the way|hmu hit me up|sry sorry|omw on my way|ofc of course|gn good night|gm good morning
tmi T M I|icymi I C Y M I|wya where are you|gl good luck|gg G G|hbd happy birthday
ttyt talk to you tomorrow|eta E T A|ty thank you|tysm thank you so much|yw you're welcome
wbu what about you|obvs obviously|probs probably|defo definitely|rly really|srsly seriously
bday birthday|bf boyfriend|gf girlfriend|bff B F F|fb F B|vid video|vids videos|bc because|w/e whatever
npm N P M|ttys T T Y S|wyd W Y D|hbu H B U|rn R N|nvm never mind|jk J K|ftw F T W|dm D M
"""
)
"""Chat's short words."""
RESPELLED = {
    "PIN": "pin",
    "ZIP": "zip",
    "OK": "okay",
    "Ok": "Okay",
    "ok": "okay",
    "JSON": "Jason",
    "JPEG": "jay peg",
    "YAML": "yaml",
    "GIF": "gif",
    "SIM": "sim",
    "VISA": "Visa",
    "Ctrl": "Control",
    "AKA": "A K A",
    "PhD": "P H D",
    "BSc": "B S C",
    "MSc": "M S C",
    "vs": "versus",
    "NaCl": "N A C L",
    "HCl": "H C L",
    "NaOH": "N A O H",
    "WWI": "World War one",
    "WWII": "World War two",
    "approx": "approximately",
    "id": "I D",
    "Mbps": "megabits per second",
    "govt": "government",
    "Govt": "Government",
    "dept": "department",
    "Dept": "Department",
    "acct": "account",
    "appt": "appointment",
    "mgmt": "management",
    "mgr": "manager",
    "asst": "assistant",
    "natl": "national",
    "intl": "international",
    "pkg": "package",
    "amt": "amount",
    "pmt": "payment",
    "Hwy": "Highway",
    "bldg": "building",
    "Bldg": "Building",
    "blvd": "boulevard",
    "pkwy": "parkway",
    "rte": "route",
    "Rte": "Route",
    "yrs": "years",
    "hrs": "hours",
    "mins": "minutes",
    "secs": "seconds",
    "lbs": "pounds",
    "wks": "weeks",
    "FICO": "Fico",
    "OLED": "oh led",
    "Esc": "Escape",
    "PgUp": "Page Up",
    "PgDn": "Page Down",
    "pH": "P H",
    "Jr": "Junior",
    "Ltd": "Limited",
    "Blvd": "Boulevard",
    "Pkwy": "Parkway",
    "Mr": "Mister",
    "mtg": "meeting",
    "YoY": "year over year",
    "QoQ": "quarter over quarter",
    "MoM": "month over month",
    "WoW": "week over week",
    "lvl": "level",
    "Lvl": "Level",
    "EtOH": "E T O H",
    "hwy": "highway",
    "rm": "room",
    "Rm": "Room",
    "abt": "about",
    "np": "N P",
    **SLANG,
}

_CAPITALS = (
    "A I AN AS AT BE BY DO GO HE IF IN IS ME MY NO OF ON OR SO TO UP WE AM ALL AND ANY ARE ASK BAD BIG"
    " BUT CAN DAY DID END FAR FEW FOR GET GOT HAD HAS HER HIM HIS HOT HOW ITS LET LOW MAN MAY NEW NOT"
    " NOW OFF OLD ONE OUR OUT OWN PUT RED RUN SAY SEE SHE TEN THE TOO TOP TRY TWO USE WAS WAY WHY WIN"
    " YES YET YOU LOVE STOP ONLY VERY NEVER ALSO AWAY BACK BEEN BEST BOTH CALL COME DOES DONE DONT DOWN"
    " EACH EASY ELSE EVEN EVER FAST FIND FIRE FIVE FOUR FREE FROM FULL GIVE GOOD HAVE HELP HERE HIGH"
    " HOLD HOME HOPE INTO JUST KEEP KNOW LAST LATE LEFT LESS LIFE LIKE LIST LIVE LONG LOOK LOSE MADE"
    " MAKE MANY MORE MOST MUCH MUST NAME NEAR NEED NEXT NICE NINE NONE NOTE ONCE OPEN OVER PART PAST"
    " PLAY PLUS PULL PUSH READ REAL REST SAFE SAID SALE SAME SAVE SEND SHUT SIDE SIGN SLOW SOME SOON"
    " STAY SUCH SURE TAKE TELL TEST THAN THAT THEM THEN THEY THIS TIME TODO TRUE TURN TYPE UNDO UPON"
    " USED WAIT WALK WANT WARM WELL WENT WERE WHAT WHEN WILL WITH WORD WORK YOUR ZERO EXIT EDIT FILE"
    " COPY PASTE MENU BANK CARD CASH DATE DEAR EAST WEST NORTH SOUTH FOOD GAME GATE HUGE KIDS KIND LAND"
    " LINE MAIL MAIN MEAL NEWS PAGE PARK RAIN ROAD ROOM SHOP SHOW SNOW STAR TEAM TOUR TOWN TREE TRIP"
    " USER VIEW VOTE WIDE WIND WISE YEAR SIX CAR BUS DOG CAT EAT ADD PAY BUY SET SIT CUT HIT LIE WHO EYE"
    " AIR ARM ART BAG BED BOX BOY CUP EGG FIX FUN GAS GUY ICE JOB KEY KID LAW LEG MAP MIX MOM DAD SON"
    " OIL PEN SEA SKY SUN TAX TEA WAR WET HEY WOW HI OH AH HA UH"
)
COMMON = word_set(_CAPITALS) - {"AM", "WHO", "ICE"} | {"MAX", "MIN", "PRO", "MATH", "BIO", "GYM", "ECON"}
"""Words of up to four letters that are ordinary words even in capitals."""
SPELLED = word_set("HTTPS UCLA ASPCA HBCU CORS MBBS MSRP SMTP XHTML OAUTH CMYK CNBC MSNBC FBI LGBTQ UUID")

STATE_CODES = frozenset(("OK", "OR", "IN", "ME", "HI", "OH", "AL", "ID", "PA", "MA", "LA"))
"""Short names of states that are also words."""
EXTENSIONS = word_set(
    "pdf txt py js ts jpg jpeg png gif doc docx xls xlsx ppt pptx csv json xml yaml yml html htm css md"
    " zip exe dmg mp3 mp4 wav mov avi log ini cfg toml sh c h cpp rs java rb php sql svg gz tar onnx"
    " gguf"
)
SAID_EXTENSIONS = word_set("zip log java json yaml doc gif")
DOMAINS = word_set("com org net edu gov info app shop blog store online site tech biz cloud wiki news")
LETTER_DOMAINS = word_set(
    "io ai co uk us ca de fr me tv ly au eu nl es it ch at jp in br nz ie se no dk fi pl"
)
