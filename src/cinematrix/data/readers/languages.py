"""Languages in text, as codes of ISO 639-1: from other codes, from English names, and from their own names."""

_NAMES = """
af afr afrikaans | am amh amharic | ar ara arabic العربية | az aze azerbaijani | be bel belarusian | bg bul bulgarian
bm bam bambara | bn ben bengali bangla | bo bod tib tibetan | bs bos bosnian | ca cat catalan català
cn cantonese yue | cs ces cze czech čeština | cy cym wel welsh | da dan danish dansk | de deu ger german deutsch
dz dzo dzongkha | el ell gre greek ελληνικά | en eng english | eo epo esperanto | es spa spanish español castilian
et est estonian eesti | eu eus baq basque euskara | fa fas per persian farsi فارسی | fi fin finnish suomi
fr fra fre french français | ga gle irish gaelic | gl glg galician galego | gu guj gujarati | he heb hebrew עברית
hi hin hindi हिन्दी | hr hrv croatian hrvatski | hu hun hungarian magyar | hy hye arm armenian
id ind indonesian | is isl ice icelandic íslenska | it ita italian italiano | iu iku inuktitut
ja jpn japanese 日本語 | ka kat geo georgian | kk kaz kazakh | km khm khmer | kn kan kannada | ko kor korean 한국어
ku kur kurdish | ky kir kyrgyz | la lat latin | lo lao | lt lit lithuanian lietuvių | lv lav latvian latviešu
mk mkd mac macedonian | ml mal malayalam | mn mon mongolian | mr mar marathi | ms msa may malay | mt mlt maltese
my mya bur burmese | ne nep nepali | nl nld dut dutch nederlands flemish | no nor norwegian norsk | pa pan punjabi
pl pol polish polski | ps pus pashto | pt por portuguese português | qu que quechua | ro ron rum romanian română
ru rus russian русский | sa san sanskrit | se sme sami | si sin sinhala sinhalese | sk slk slo slovak slovenčina
sl slv slovenian slovene slovenščina | so som somali | sq sqi alb albanian shqip | sr srp serbian српски
sh serbo-croatian | sv swe swedish svenska | sw swa swahili | ta tam tamil | te tel telugu | th tha thai ไทย
tl tgl tagalog filipino | tr tur turkish türkçe | uk ukr ukrainian українська | ur urd urdu | uz uzb uzbek
vi vie vietnamese | wo wol wolof | xh xho xhosa | xx zxx silent | yi yid yiddish | yo yor yoruba
zh zho chi chinese mandarin 中文 普通话 | zu zul zulu
"""
"""Each language's code, then its other codes and names."""

_CODES = {word: words[0] for each in _NAMES.replace("\n", "|").split("|") for words in [each.split()] for word in words}


def language_code(text: str) -> str:
    """Return the code of a language; text that names none in lower case.

    >>> [language_code(text) for text in ("French", "fr-CA", "FRA", "français", "Klingon")]
    ['fr', 'fr', 'fr', 'fr', 'klingon']
    """
    plain = text.strip().casefold()
    return _CODES.get(plain) or _CODES.get(plain.replace("_", "-").split("-")[0].split("(")[0].strip()) or plain
