"""English short forms, and the words said for them."""

from __future__ import annotations

from vflow_nodes.lib.spoken_form.english.words import pairs

TITLES = pairs(
    """
Mr Mister|Mrs Missus|Ms Miz|Dr Doctor|Prof Professor|Gen General|Gov Governor|Sen Senator
Rep Representative|Capt Captain|Lt Lieutenant|Col Colonel|Sgt Sergeant|Cmdr Commander|Rev Reverend
Hon Honorable|Cpl Corporal|Maj Major|Adm Admiral|Msgr Monsignor|Mt Mount|Ft Fort|St Saint|Pres President
Det Detective|Insp Inspector|Fr Father|Amb Ambassador|Messrs Messers|Atty Attorney|Supt Superintendent
Pvt Private|Sra Señora|Srta Señorita|Sres Señores|Dra Doctora|Dña Doña|Ing Ingeniero|Lic Licenciado
Hr Herr|Profa Professora|Assoc Associate|Mme Madame|Mlle Mademoiselle|Cllr Councillor|Ald Alderman
Brig Brigadier
"""
)
"""Said in full before a name; their full stop ends no sentence there."""

PLACES = pairs(
    """
St Street|Ave Avenue|Blvd Boulevard|Rd Road|Ln Lane|Hwy Highway|Pkwy Parkway|Dr Drive|Ct Court|Pl Place
Sq Square|Expy Expressway|Cir Circle|Ter Terrace|Bldg Building|Ste Suite|Fl Floor|Jr Junior
Inc Incorporated|Ltd Limited|Co Company|Corp Corporation|Bros Brothers|dept department|Univ University
Assn Association|Govt Government|Apt Apartment|apt apartment|Intl International|Amend Amendment
Esq Esquire|ind individual|execs executives|fl floor|exec executive|jr junior|sr senior|Rt Route
rt route|Cnty County|Ret Retired|ret retired|Ctr Center|ctr center|Cntr Center|ea each|cert certificate
certs certificates|agg aggregate|Civ Civil|Crim Criminal|etc et cetera|Etc Et cetera|govt government
acct account|Acct Account|accts accounts|appt appointment|Appt Appointment|appts appointments
natl national|Natl National|intl international|mgmt management|Mgmt Management|mgr manager|Mgr Manager
asst assistant|Asst Assistant|assn association|dist district|reqd required|recd received|pkg package
pkgs packages|wt weight|ht height|Rte Route|rte route|rtes routes|mfg manufacturing|mfr manufacturer
amt amount|Amt Amount|bal balance|Bal Balance|pmt payment|Pmt Payment|txn transaction|stmt statement
svc service|Svc Service|addr address|attn attention|Attn Attention|doz dozen|orig original|prev previous
est estimated|Est Estimated|hosp hospital|bldg building|hwy highway|blvd boulevard|ave avenue
Tpke Turnpike|Cres Crescent|Gdns Gardens|Hts Heights|Trl Trail|Cttee Committee|depts departments
Depts Departments|univ university|corp corporation|Mfg Manufacturing|Dept Department|lic license
mtg meeting|Mtg Meeting|qtr quarter
"""
)
"""Said in full; their full stop may also end the sentence."""

INSIDE = pairs(
    """
vs versus|approx approximately|Approx Approximately|cf compare|incl including|excl excluding
esp especially|tel telephone|Tel Telephone|temp temperature|max maximum|Max Maximum|avg average
Avg Average|misc miscellaneous|lg large|lrg large|sm small|med medium|mag magnitude|cont continued
Cont Continued
"""
)
"""Short forms said in full if the sentence goes on; at its end those in `ALSO_WORDS` are ordinary words."""
ALSO_WORDS = frozenset(("max", "temp", "esp", "Max", "med", "cont", "mag"))

BEFORE_NUMBER = pairs(
    """
No number|no number|Nos numbers|nos numbers|Fig Figure|fig figure|Figs Figures|figs figures|Vol Volume
vol volume|Ch Chapter|ch chapter|pp pages|Pp Pages|p page|P Page|pg page|Pg Page|Art Article|art article
Sec Section|sec section|Eq Equation|eq equation|Tab Table|Apt Apartment|apt apartment|Ext Extension
ext extension|Rm Room|rm room|Ste Suite|Rs rupees|ca about|c about|Ed Edition|Max Maximum|max maximum
Min Minimum|min minimum|qty quantity|Qty Quantity|exp expires|Exp Expires|ref reference|Ref Reference
ver version|Ver Version|para paragraph|Para Paragraph|cl clause|Cl Clause|Pt Part|Bk Book|Rev Revision
rev revision|Rd Round|chr chromosome|Chr chromosome|Cat Category|Ser Series|Mk Mark|Op Opus|op opus
Prop Proposition|prop proposition|Props Propositions|Amdt Amendment|Dist District|Pct Precinct
Mod Module|mod module|Lect Lecture|Hom Homework|Prob Problem|prob problem|Ques Question|ques question
Bldg Building|bldg building|col column|cols columns|ln line|v verse|vv verses|Vv Verses|Sched Schedule
Ex Exhibit|lvl level|Lvl Level
"""
)
"""Said in full before a number only."""

STATES = pairs(
    """
Ala Alabama|Ariz Arizona|Ark Arkansas|Calif California|Colo Colorado|Conn Connecticut|Del Delaware
Fla Florida|Ga Georgia|Ill Illinois|Ind Indiana|Kan Kansas|Kans Kansas|Ky Kentucky|La Louisiana
Md Maryland|Mass Massachusetts|Mich Michigan|Minn Minnesota|Miss Mississippi|Mo Missouri|Mont Montana
Neb Nebraska|Nebr Nebraska|Nev Nevada|Okla Oklahoma|Ore Oregon|Oreg Oregon|Pa Pennsylvania
Tenn Tennessee|Tex Texas|Va Virginia|Vt Vermont|Wash Washington|Wis Wisconsin|Wisc Wisconsin|Wyo Wyoming
Ont Ontario|Que Quebec|Alta Alberta|Uta Utah|Hawaii Hawaii|Alaska Alaska|Idaho Idaho|Iowa Iowa|Ohio Ohio
Maine Maine|Texas Texas|Utah Utah
"""
)
"""States as newspapers write them, after a city."""
SURE_STATES = frozenset(
    ("Calif", "Conn", "Fla", "Minn", "Tenn", "Okla", "Wyo", "Ariz", "Wis", "Wisc", "Colo")
)

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
    "b/w": "between",
    "wk/wk": "week over week",
    "w/w": "week over week",
    "d/d": "day over day",
    "S/N": "serial number",
    "s/n": "serial number",
    "P/N": "part number",
    "A/R": "accounts receivable",
    "A/P": "accounts payable",
    "h/o": "history of",
    "s/p": "status post",
    "q/q": "quarter over quarter",
    "med-low": "medium low",
    "med-high": "medium high",
    "med.-low": "medium low",
    "med.-high": "medium high",
    "gov't": "government",
    "Gov't": "Government",
    "int'l": "international",
    "Int'l": "International",
    "nat'l": "national",
    "Nat'l": "National",
    "dep't": "department",
    "Dep't": "Department",
    "ass'n": "association",
    "Ass'n": "Association",
    "cont'd": "continued",
    "Cont'd": "Continued",
    "rec'd": "received",
    "req'd": "required",
    "comm'n": "commission",
    "Comm'n": "Commission",
    "sec'y": "secretary",
    "Sec'y": "Secretary",
    "M/W/F": "Monday, Wednesday, Friday",
    "MWF": "Monday, Wednesday, Friday",
    "T/Th": "Tuesday, Thursday",
    "Tu/Th": "Tuesday, Thursday",
    "y/o": "year old",
    "y/y": "year over year",
    "m/m": "month over month",
}
