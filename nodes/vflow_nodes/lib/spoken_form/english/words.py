"""English abbreviations, acronyms and the words that say how a number after them is read."""

from __future__ import annotations


def word_set(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


def _pairs(text: str) -> dict[str, str]:
    return {
        short: said
        for line in text.strip().splitlines()
        for short, _, said in (entry.partition(" ") for entry in line.split("|"))
    }


TITLES = _pairs(
    """
Mr Mister|Mrs Missus|Ms Miz|Dr Doctor|Prof Professor|Gen General|Gov Governor|Sen Senator
Rep Representative|Capt Captain|Lt Lieutenant|Col Colonel|Sgt Sergeant|Cmdr Commander|Rev Reverend
Hon Honorable|Cpl Corporal|Maj Major|Adm Admiral|Msgr Monsignor|Mt Mount|Ft Fort|St Saint
Pres President|Det Detective|Insp Inspector|Fr Father|Amb Ambassador|Messrs Messers
Atty Attorney|Supt Superintendent|Pvt Private
"""
)
"""Said in full before a name, where their full stop ends no sentence."""

PLACES = _pairs(
    """
St Street|Ave Avenue|Blvd Boulevard|Rd Road|Ln Lane|Hwy Highway|Pkwy Parkway|Dr Drive|Ct Court
Pl Place|Sq Square|Expy Expressway|Cir Circle|Ter Terrace|Bldg Building|Ste Suite|Fl Floor|Jr Junior
Sr Senior|Inc Incorporated|Ltd Limited|Co Company|Corp Corporation|Bros Brothers|Dept Department
dept department|Univ University|Assn Association|Govt Government|Apt Apartment|apt apartment
Intl International|etc et cetera|Etc Et cetera
"""
)
"""Said in full; their full stop may also end the sentence."""

INSIDE = _pairs(
    """
vs versus|approx approximately|Approx Approximately|cf compare|incl including|excl excluding
esp especially|tel telephone|Tel Telephone|temp temperature|max maximum|Max Maximum|avg average
Avg Average|misc miscellaneous
"""
)
"""Said in full before a word that goes on; at a sentence's end those in `ALSO_WORDS` are words."""
ALSO_WORDS = frozenset(("max", "temp", "esp", "Max"))

BEFORE_NUMBER = _pairs(
    """
No number|no number|Nos numbers|nos numbers|Fig Figure|fig figure|Figs Figures|figs figures
Vol Volume|vol volume|Ch Chapter|ch chapter|pp pages|Pp Pages|p page|P Page|pg page|Pg Page
Art Article|art article|Sec Section|sec section|Eq Equation|eq equation|Tab Table|Apt Apartment
apt apartment|Ext Extension|ext extension|Rm Room|rm room|Ste Suite|Rs rupees|ca about|c about
Ed Edition|Max Maximum|max maximum|Min Minimum|min minimum
qty quantity|Qty Quantity
"""
)
"""Said in full before a number only."""

DOTTED = {
    "e.g": "for example",
    "i.e": "that is",
    "E.g": "For example",
    "I.e": "That is",
    "a.k.a": "A K A",
    "et al": "and others",
}

SLASHED = {
    "w/": "with",
    "w/o": "without",
    "c/o": "care of",
    "N/A": "N A",
    "n/a": "N A",
    "b/c": "because",
    "w/in": "within",
    "s/he": "she or he",
    "y/o": "year old",
    "y/y": "year over year",
    "m/m": "month over month",
}

YEAR_WORDS = word_set(
    "in since by of until till from during year before after between and circa spring summer fall"
    " winter autumn early late mid"
)
INCHES = word_set(
    "screen display monitor tv TV laptop tablet pizza pipe wide tall long deep thick nail wheel rim"
)
NOT_MANY = word_set("is was has its this his as us does")
"""Words in -s that are no plural nouns."""

CODES = word_set(
    "code pin zip passcode password otp ssn serial tracking confirmation reference invoice flight"
    " extension ext plate cvv cvc vin iban isbn issn imei ending ends"
)
"""After these, within a few words, digits are said one by one."""
PLACED = word_set(
    "room seat gate apt apartment suite unit row flat platform track building terminal exit lane door bay"
)
"""After these a number with a letter is a place: "12B"."""
CODE_NEXT = word_set(
    "room suite account error ticket ending ends policy rm dial text call flight extension ext pin zip code"
)
OWNERS = word_set("your my our the his her their this")
COUNTED = word_set(
    "seconds minutes hours days weeks months years people dollars digits characters letters times"
    " words percent points items pages more other"
)

VERSIONED = word_set(
    "version python java node node.js ios android windows macos ubuntu debian fedora release ruby"
    " php go rust perl kotlin swift gcc django react angular vue bluetooth usb chapter section"
    " release kernel postgres mysql"
)

NUMBERED = word_set(
    "chapter part act scene section volume book phase article war mark type level stage class grade"
    " bowl apollo episode round rocky title appendix figure table unit lesson schedule"
)
"""A Roman numeral after these is a cardinal."""
RULERS = word_set(
    "pope king queen henry louis edward george william charles james richard elizabeth napoleon pius"
    " benedict leo paul ramses frederick philip alexander nicholas peter catherine ivan umberto"
    " emmanuel gustav christian ferdinand victoria mary john francis wilhelm otto olaf harald haakon"
    " felipe juan carlos margrethe"
)

SAID_AS_WORDS = word_set(
    "NASA NATO UNESCO UNICEF OPEC AIDS COVID LASER RADAR SCUBA RAM ROM CAPTCHA SWAT FIFA NAFTA OSHA"
    " BIOS ASCII IKEA LEGO NASDAQ NASCAR NIMBY YOLO FOMO ICE FEMA HIPAA STEM SIM LAN WAN MIDI VISA"
    " GOP POTUS SCOTUS LIDAR SONAR PIN ZIP MEMS NORAD INTERPOL ASEAN BASIC COBOL FORTRAN LATEX UNIX"
    " LINUX"
) - {"GOP"}
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
COMMON = word_set(_CAPITALS) - {"AM", "WHO", "ICE"}
"""Words of up to four letters that are words even in capitals."""
SPELLED = word_set("HTTPS UCLA ASPCA HBCU CORS MBBS MSRP SMTP XHTML OAUTH CMYK CNBC MSNBC FBI LGBTQ UUID")

GROUPS = frozenset(("MA", "CA", "NY", "TX", "OK", "OR", "IN", "ME", "HI"))
EXTENSIONS = word_set(
    "pdf txt py js ts jpg jpeg png gif doc docx xls xlsx ppt pptx csv json xml yaml yml html htm css"
    " md zip exe dmg mp3 mp4 wav mov avi log ini cfg toml sh c h cpp rs java rb php sql svg gz tar"
    " onnx gguf"
)
SAID_EXTENSIONS = word_set("zip log java json yaml doc gif")
DOMAINS = word_set("com org net edu gov info app shop blog store online site tech biz cloud wiki news")
LETTER_DOMAINS = word_set(
    "io ai co uk us ca de fr me tv ly au eu nl es it ch at jp in br nz ie se no dk fi pl"
)
