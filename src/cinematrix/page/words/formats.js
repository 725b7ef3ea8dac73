/** Numbers, dates, lists and plurals as a language writes them. */

/** @typedef {ReturnType<typeof makeFormats>} Formats */
/** A noun by plural category: `{ one: "film", other: "films" }`. @typedef {{other: string} & Partial<Record<Intl.LDMLPluralRule, string>>} Noun */

/** Formats of a locale. @param {string} locale such as `de-AT` */
export function makeFormats(locale) {
  const numbers = (/** @type {Intl.NumberFormatOptions} */ options) => {
    const format = new Intl.NumberFormat(locale, options);
    return (/** @type {number} */ value) => format.format(value).replace("-", "−");
  };
  const days = (/** @type {Intl.DateTimeFormatOptions} */ options) => {
    const format = new Intl.DateTimeFormat(locale, options);
    return (/** @type {Date | number} */ time) => format.format(time);
  };
  const [plurals, lists] = [new Intl.PluralRules(locale), new Intl.ListFormat(locale)];
  const number = numbers({ maximumFractionDigits: 1 });
  return {
    locale,
    number,
    /** `4.0` */
    oneDecimal: numbers({ minimumFractionDigits: 1, maximumFractionDigits: 1 }),
    oneOrTwo: numbers({ minimumFractionDigits: 1, maximumFractionDigits: 2 }),
    fixed: (/** @type {number} */ value, /** @type {number} */ digits) => numbers({ minimumFractionDigits: digits, maximumFractionDigits: digits })(value),
    /** `+0.8` */
    signed: (/** @type {number} */ value, digits = 1) => numbers({ minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay: "always" })(value),
    /** A share as a percentage. */
    percent: numbers({ style: "percent" }),
    /** `1 film`, `2,000 films`. */
    count: (/** @type {number} */ n, /** @type {Noun} */ noun) => `${number(n)} ${noun[plurals.select(n)] ?? noun.other}`,
    list: (/** @type {string[]} */ all) => lists.format(all),
    /** `March 5, 2024`; `UTC` for days without a time. */
    longDay: days({ dateStyle: "long" }),
    longMinute: days({ dateStyle: "long", timeStyle: "short" }),
    minute: days({ dateStyle: "medium", timeStyle: "short" }),
    mediumDay: days({ dateStyle: "medium" }),
    clock: days({ timeStyle: "short" }),
    calendarDay: days({ dateStyle: "medium", timeZone: "UTC" }),
    calendarMonth: days({ month: "long", year: "numeric", timeZone: "UTC" }),
    weekday: days({ weekday: "short", timeZone: "UTC" }),
  };
}
