// @ts-nocheck The parameters need no types: `n` and `all` are numbers, others texts, or elements where an array is returned.

/**
 * The page's words in English: texts, and functions that return a text or, where elements are inside, an array of parts.
 * Another language is a module with the same keys; `tests/page/test_words.py` compares them.
 *
 * @param {import("./formats.js").Formats} format
 */
export function makeWords({ count, number, oneDecimal, fixed, percent, list }) {
  const films = (n) => count(n, { one: "film", other: "films" });
  const ratings = (n) => count(n, { one: "rating", other: "ratings" });
  const of = (n, all) => (n === all ? films(all) : `${number(n)} of ${films(all)}`);
  return {
    views: {
      forYou: "For you", watchlist: "Watchlist", search: "Search", together: "Together", map: "Map", you: "You", yourFilms: "Your films", questions: "Questions",
      import: "Import your films", start: "Start", row: "All films of a row", shared: "Shared list", film: "Film", operator: "Operator",
    },

    frame: {
      skip: "Skip to the films", brand: "Cinematrix, start", navigation: "Views", language: "Language", dark: "Dark colours", light: "Light colours",
      keys: "Left and right arrow keys move between films, up and down between a film’s controls. Tab leaves the list.",
      rowKeys: "Up and down arrow keys move between films, Tab between a film’s controls.",
      trainedOn: (day, n, plain) => `Model ${day ? `of ${day}, ` : ""}trained on ${plain ? count(n, { one: "viewing", other: "viewings" }) : ratings(n)}`,
      storedInAccount: (name) => `Your ratings are stored in the account “${name}” on this server.`,
      storedHere: "Your ratings stay in this browser. They are sent with each request to this server, which stores none of them.",
      posters: (real) => `${real ? "Where there is no poster, one is drawn" : "Posters are drawn"} from title, year and genre. Cinematrix is free software under the MIT licence.`,
      tmdb: (link) => ["This product uses the ", link, " API but is not endorsed or certified by TMDB."],
      operator: "For the operator",
      updated: "Recommendations updated.",
    },

    film: {
      number: (id) => `film ${id}`, it: "The film", a: "A film", that: "that film", count: films, of,
      rating: (title) => `Your rating of ${title}`, stars: (n) => count(n, { one: "star", other: "stars" }), outOf: (n, most) => `${number(n)} of ${number(most)}`, likedIt: "liked it",
      expected: (n) => `Expected ${oneDecimal(n)} stars`, starsSign: "stars", range: (low, high) => `${oneDecimal(low)} to ${oneDecimal(high)} in 8 of 10 cases`,
      rate: "Rate", liked: "Liked", loved: "Loved", rateExactly: (title) => `Rate more exactly: ${title}`, close: "Close", about: (word, title) => `${word}: ${title}`,
    },

    marks: {
      watchlist: "Watchlist", seen: "Seen", notForMe: "Not for me",
      rated: (title, n) => `${title}: ${count(n, { one: "star", other: "stars" })}.`, liked: (title) => `${title}: liked.`, ratingDeleted: (title) => `Your rating of ${title} is deleted.`,
      nowSeen: (title) => `${title}: seen.`, refused: (title) => `${title}: not for you.`, wanted: (title) => `${title}: on your watchlist.`,
      removed: {
        watchlist: (title) => `${title}: no longer on your watchlist.`, hidden: (title) => `${title}: mark removed.`, likes: (title) => `${title}: no longer among the films liked elsewhere.`,
      },
      undo: "Undo", undone: (text) => `Undone: ${text}`, nothingToUndo: (keys) => `${keys} undoes a rating or a mark. The last change was neither.`,
    },

    /** Reasons: what the user gave a film, and what it shares with the recommended one. */
    because: {
      youGave: (title, stars, shared) => ["Because you gave ", title, ` ${stars}`, shared && ": ", shared],
      youWatched: (title, shared) => ["Because you watched ", title, shared && ": ", shared],
      gave: (title, stars, shared) => ["gave ", title, ` ${stars}`, shared && ": ", shared],
      watched: (title, shared) => ["watched ", title, shared && ": ", shared],
      decade: (year) => `${year}s`,
      genre: (name) => ({ "Film-Noir": "film noir", Children: "for children" })[name] ?? name.toLowerCase(),
    },

    rows: {
      watchlist: "From your watchlist, for tonight", storedWatchlist: "On your watchlist", top: "Top picks for you", widelyLoved: "Widely loved", gems: "Hidden gems",
      because: (title) => `Because you liked ${title}`, genre: (name) => `${name} for you`,
      all: "See all", allOf: (title) => `See all: ${title}`, more: "More films", gone: "This row is gone", goneWhy: "Your ratings have changed, and with them the rows.",
    },

    forYou: {
      welcome: "What will you watch tonight?", noneKnown: "This catalog has none of the films you rated.", tapMore: "Tap more films",
      basedOn: (n, plain) => (n === 1 ? `Based on one ${plain ? "film you watched" : "rating"}` : `Based on ${plain ? count(n, { one: "film you watched", other: "films you watched" }) : ratings(n)}`),
      noneLeft: "No film matches", noneMatches: "Remove a filter to see more.", toBegin: "To begin with", tonight: "Tonight",
      stale: (clock) => `These films are from ${clock}. `, looking: "Looking for films",
    },

    start: {
      title: "Films you like", tap: "Tap the films you like. ", tapBack: "Tap again to take it back.", tapLoved: "Tap again for those you love, once more to take it back.",
      import: "Import your films", questions: "Answer a few questions", films: "Films to begin with", others: "Show others", ready: "Show my films",
      progress: (n, enough) => (n === 0 ? `Tap ${enough} films you like` : n < enough ? `${n} of ${enough}` : `${films(n)}: your list is ready`), shown: (n) => `${films(n)}.`,
    },

    filters: {
      title: "Filters", set: (n) => `, ${n} set`, reset: "Reset all", years: "Years", from: "From", to: "To", fromHint: "from", toHint: "to",
      wellKnown: "Well known", adventurous: "Adventurous", novelty: "How adventurous, from well known to adventurous", alike: "Alike", varied: "Varied", diversity: "How varied, from alike to varied",
      ratedBy: "Rated by at least", anyNumber: "any number", people: (n) => count(n, { one: "person", other: "people" }),
      genres: "Tap a genre to require it, again to exclude it.", any: (genre) => `${genre}: with or without`, with: (genre) => `${genre}: only with it`, without: (genre) => `${genre}: only without it`,
      order: "Order", expectedStars: "Expected stars", bestMatch: "Best match", mostSimilar: "Most similar", bestKnown: "Best known",
    },

    search: {
      films: "Search films", label: "Title of a film, or a part of it", hint: "A part of the title is enough. Typing errors are tolerated.", searching: "Searching…", found: (n) => `${films(n)} found`,
      options: "Films found", none: "No film found", announced: (n) => (n === 1 ? "One film found." : `${films(n)} found.`), like: (n, query) => [n === 1 ? "One film" : films(n), " like “", query, "”"],
      nothing: "No film by that name", nothingWhy: "Try fewer words, or the original title.",
    },

    filmPage: {
      opening: "Opening the film", notForProfile: "Not for this profile", outsideLimit: "This film is outside the limit of the profile.", unknownAge: "The certification of this film isn’t known, and this profile has a limit of age.",
      average: "Average score. Rate a few films to see yours.", forYou: "Expected for you", withoutYours: "Expected for you, without your own rating",
      people: "How people rated it", nobody: "Nobody has rated it yet. The expected stars come from its genres, year and tags.", watchers: "Who watched it",
      watched: (n) => (n === 1 ? "One person" : count(n, { one: "person", other: "people" })), ratings: (n, mean) => `${ratings(n)}${mean === null ? "" : `, ${number(mean)} on average`}`,
      histogram: (title) => `Ratings of ${title}`, similar: "Similar films", bothGenres: (genres) => `both ${genres.join(", ")}`, bothRated: (n) => `${count(n, { one: "person", other: "people" })} rated both`,
      nearInModel: "close to each other in the model",
      about: "About the film", originalTitle: "Original title", alsoCalled: "Also called", tags: "Tags", moreAt: "More at",
      noDetails: "TMDB has no details now.", titleHere: "English title", director: "Director", cast: "Cast", originalAtTmdb: "Original title (TMDB)", runningTime: "Running time", hours: (n) => `${n} h`, minutes: (n) => `${n} min`,
      languages: (n) => (n > 1 ? "Languages" : "Language"), trailer: "Trailer on YouTube", whereToWatch: "Where to watch", country: "Country", notIn: (country) => `Not in ${country}. Other countries:`,
      stream: "Streaming", rent: "Rent", buy: "Buy", offers: "All offers at TMDB", offersBy: (link) => ["Where to watch: data by ", link],
    },

    watchlist: {
      surprise: "Surprise me", yourSurprise: "Your surprise", another: (title) => `${title}. Press again for another one.`, shareName: "Films I want to watch", reading: "Reading your watchlist",
      noMatch: "No film matches", noMatchWhy: "Remove a filter to see more of your watchlist.", withoutServer: "The server can’t be reached, so there are no expected stars now. The newest is first.",
      lead: (n, all) => (all === 1 ? films(1) : `${of(n, all)}, best for you first`),
      empty: "Your watchlist is empty", emptyWhy: "Tap the bookmark on a film to keep it for later. A watchlist from Letterboxd, IMDb or Trakt can be imported.", seeFilms: "See films", import: "Import a watchlist",
    },

    yourFilms: {
      all: "All", rated: "Rated", seen: "Seen, not rated", liked: "Liked", refused: "Not for me", seenShort: "Seen",
      search: "Search your films", sortBy: "Sort by", reverse: "Reverse the order", showAs: "Show as", kinds: "Kinds", list: "List", diary: "Diary", reading: "Reading your films",
      date: "Date", stars: "Your stars", title: "Title", year: "Year", apart: "Difference from everyone", everyone: (n) => `Everyone ${oneDecimal(n)}`,
      shown: (n, all, diary) => of(n, all) + (diary ? ", by the day you watched or rated them" : ""),
      empty: "Nothing here yet", emptyWhy: "Films that you rate, or mark as seen or not for you, are listed here.", importRatings: "Import my ratings",
      deleteRating: "Delete your rating", deleteRatingOf: (title) => `Delete your rating: ${title}`, aboutYou: "About you", tasteAndData: "Taste and data",
    },

    /** Kinds of films that are kept or imported, in the middle of a line. */
    kinds: { rating: "rated", seen: "seen", watchlist: "on your watchlist", like: "liked", not_interested: "not for you", deleted: "a deleted rating" },

    questions: {
      title: "A few questions", question: "Question", choosing: "Choosing films", notSeen: (n) => `${films(n)} not seen.`, all: "That was all", allWhy: "There is nothing left to ask.", seeYours: "See your films",
      seenAny: "Have you seen any of these?", before: "Films before", next: "Next films", none: "None of these", enough: "Each film makes the list below better. Stop whenever you like.",
      left: (n) => `Rate what you have seen. Your list appears after ${["", "one", "two", "three"][n] ?? n} more ${n === 1 ? "film" : "films"}.`,
      soFar: "Your list so far", seeAll: "See them all", films: "Films",
    },

    map: {
      title: "The taste map", lead: "Each point is a film. Films lie together where the same people watch them.", none: "This model has no map", noneWhy: "It recommends films, but it can’t place them on a map.",
      limited: "No map for this profile", limitedWhy: "The map shows all films, and this profile is limited to some of them.", drawing: "Drawing the map: the first time takes some seconds…",
      empty: "There are no films", emptyWhy: "The model has none.",
      canvas: "Taste map. Arrow keys move it, plus and minus zoom, 0 shows all, Enter opens the named film. The visible films are listed below.",
      zoomIn: "Zoom in", zoomOut: "Zoom out", showAll: "Show all films", bestKnown: "Best known here", bestForYou: "Best for you here", find: "Find a film on the map",
      notOn: "This film is not on the map: too few people rated it.", found: (title) => `${title} is in the middle of the map.`, ratings: (n, plain) => (plain ? count(n, { one: "viewer", other: "viewers" }) : ratings(n)),
      starsExpected: "stars expected", genres: "Genres", ringed: " Ringed: films that you rated", rateToRing: " Rate films, and they are ringed here",
    },

    profile: {
      title: "Your taste", reading: "Reading your ratings", empty: "Nothing here yet", emptyWhy: "Rate some films, or import your ratings, to see your taste here.", import: "Import", questions: "Questions", map: "Map",
      nothing: "You have rated nothing yet.",
      lead: (n, mean, everyone) => `${ratings(n)}, ${oneDecimal(mean)} on average: you are ${Math.abs(mean - everyone) < 0.1 ? "as generous as others" : mean > everyone ? "more generous than others" : "stricter than others"} (${oneDecimal(everyone)}).`,
      plainLead: (n) => `${films(n)} that you liked or have seen.`, genres: "Genres you love", genresWatched: "Genres you watch", decades: "Your decades",
      loveNote: "Stars that you give above or below what others would. With few films, the value is small.", shareNote: "Percentage points above or below the share among everyone’s films.",
      newest: (n, all) => `The newest ${number(n)} of your ${number(all)} films count. The others are not recommended again.`,
      tooFew: "With five ratings or more, this page shows how well the model knows you.", accuracy: "How well the model knows you", stars: "stars",
      off: (error, baseline) => `Its guesses are off by ${fixed(error, 2)} stars; guessing your average would be off by ${fixed(baseline, 2)}.`, noBetter: " It doesn’t know you better than your average yet.",
      histogram: "How you rate", you: "you", everyone: "everyone", shares: "Shares of ratings, yours and everyone’s",
    },

    lacking: {
      title: (n) => `Not in the catalog yet: ${films(n)}`, why: "They came with your imports and are kept with your history. As soon as the catalog has one of them, it is added.",
      untitled: "A film without a title", forget: "Forget", more: "Show more", one: (title) => `${title} from your imports is in the catalog now.`, found: (n) => `${films(n)} from your imports are in the catalog now.`,
    },

    data: {
      title: "Your data", noStorage: "This browser allows no storage. Your ratings last only as long as the page is open.",
      lead: "The file of your history has everything: ratings, films seen, your watchlist, and films that the catalog lacks. Import it on another device to go on there. The CSV can be imported at Letterboxd.",
      save: "Save my history", export: "Export my ratings", leave: "Leave the account here", delete: "Delete everything", keep: "Keep it",
      notSaved: (why) => `Not saved: ${why}`, notExported: (why) => `Not exported: ${why}`, notDeleted: (why) => `Not deleted: ${why}`,
      askDelete: "Delete everything?", noUndo: "This can’t be undone.", saveFirst: "Save my history first",
      askLeave: "Leave the account?", unsent: (n) => `${count(n, { one: "change", other: "changes" })} of yours couldn’t be sent to the server yet. If you leave now, ${n === 1 ? "it is" : "they are"} lost.`, leaveNow: "Leave",
      goneFromAccount: "Your account on this server is deleted with all that is in it:", goneProfile: (name) => `The profile “${name}” is deleted from this browser with all that is in it:`,
      goneHere: "All your data is deleted from this browser; the server has none of it:",
      gone: {
        ratings, seen: (n) => `${films(n)} seen`, watchlist: (n) => `${films(n)} on your watchlist`, likes: (n) => `${films(n)} liked elsewhere`, refused: (n) => `${films(n)} not for you`,
        unmatched: (n) => `${films(n)} that the catalog lacks`,
        rest: "the links to lists that you shared, the lists kept for the time without the server, your filters, and what this tab knows: friends, vetoes, your last import",
      },
      deleted: "All your data is deleted.", linksLeft: (n) => `All your data is deleted here. ${count(n, { one: "link", other: "links" })} to your shared lists couldn’t be revoked and will expire.`,
    },

    household: {
      title: "People in your home", why: "Each has their own ratings, lists and filters in this browser. A profile can be limited to some genres and an age, for a child. Anybody can switch; there is no password.",
      who: "Who is watching?", me: "Me", someone: "Someone", current: (name) => `Profile: ${name}. Change it`, name: "Name", newName: "Name of the new profile", add: "Add a profile",
      added: (name) => `${name} has a profile now.`, now: "watching now", switch: "Switch", switchTo: (name) => ` to ${name}`, nowWatching: (name) => `${name} is watching now.`,
      limit: "Limit: ", change: "Change", only: (genre) => `only ${genre}`, no: (genre) => `no ${genre}`, allFilms: "all films",
      upTo: (age) => `up to age ${number(age)}`, ageLimit: "Up to age", anyAge: "any age", years: (age) => number(age),
      unknownHidden: (n) => `By the certification of your country.${n === 0 ? "" : ` ${n === null ? "Films" : films(n)} without a known certification ${n === 1 ? "is" : "are"} hidden then.`}`,
    },

    share: {
      button: "Share", title: "Share a list", name: "Name", note: "Note, if you like", makeLink: "Make a link", picture: "Picture", copyText: "Copy as text", all: "All", none: "None", choose: "Choose", done: "Done",
      leftOut: (n) => `${films(n)} left out, because the catalog lacks them.`, link: "Link", until: (day) => `Anybody with this link can see the list until ${day}. It doesn’t say who you are.`,
      copyLink: "Copy the link", linkCopied: "The link is copied.", copyByHand: "Copy the link from its field.", send: "Send", revoke: "Revoke", revoked: "The link is revoked.", revokeOf: (name) => `Revoke the link: ${name}`,
      savedAs: (name) => `Saved as ${name}.`, copied: "Copied.", asText: "The list as text", copyTextByHand: "Copy the text from its field.", untitled: "Films to watch", fileName: "films", unnamed: "Without a name",
      more: (n) => `and ${number(n)} more`, noPicture: "This browser can’t draw the picture.", noStorage: "This browser allows no storage, so the link couldn’t be revoked. Share a picture or text.",
      yours: "Shared lists", yoursWhy: "Anybody with the link can see them. Revoke a link to end that.", filmsUntil: (n, day) => `${films(n)}, until ${day}`,
      opening: "Opening the list", added: (n) => `${films(n)} added to your watchlist.`, add: "Add to my watchlist", somebody: "Somebody shared a list",
      lead: (n, day, allKnown) => `${films(n)}, shared until ${day}.${allKnown ? " You know them all, or have them on your watchlist." : ""}`,
      outside: (n) => `${films(n)} outside the limit of this profile ${n === 1 ? "isn’t" : "aren’t"} shown.`, noneAllowed: "No film here is for this profile", noneAllowedWhy: "All films of the list are outside its limit.",
    },

    import: {
      drop: "Drop your export here", choose: "or choose the file: as you downloaded it, zipped or not", reading: (name) => `Reading ${name} …`, intoAccount: "Your films go into your account on this server.",
      here: "The server reads the file and doesn’t store it. Your films stay in this browser.", whileOpen: "The server reads the file and doesn’t store it. Your films stay only until the page is closed, because this browser allows no storage.",
      tooLarge: "The file is larger than 20 MB, the maximum for an upload.", whatAreThey: "What are these films to you?", whatWhy: "The file doesn’t say it. Ratings in it count in any case, except on a watchlist.",
      seen: "I have seen them", watchlist: "I want to see them", liked: "I like them", rated: "I rated them", whose: "Whose films are these?", whoseWhy: "The file has films of several people. Choose yourself; the others’ films aren’t read.",
      done: "Films imported", nothingNew: "Nothing new", from: (sites) => `From ${list(sites)}.`, aTable: "a table", ownHistory: "your own history", seeFilms: "See your films",
      counts: { read: "entries in the file", new: "new", changed: "changed", there: "already there", skipped: "skipped", notFound: "not found", newer: "newer than the catalog" },
      whySkipped: (n) => `Why ${count(n, { one: "entry was", other: "entries were" })} skipped`, keptAtMost: (n) => `Of the films that the catalog lacks, ${number(n)} are kept, and no more.`,
      where: "Where to get it",
      ways: {
        Letterboxd: "Settings → Data → Export: the ZIP as it is", IMDb: "Your ratings → Export: the CSV", Trakt: "Settings → Data → Export: the ZIP", MovieLens: "Account → Import / Export: ratings as CSV",
        TMDB: "Settings → Account → Export: the CSV", Criticker: "Your ratings → Export: the XML or CSV", Netflix: "Account → Profile → Viewing activity → Download all",
        "Simkl, TV Time": "Settings → Export: the CSV, JSON or ZIP", "Kodi, Plex, Jellyfin": "the exported library, Tautulli’s table, or Playback Reporting’s backup",
        Cinematrix: "You → Save my history, on your other device",
      },
      anythingElse: "Anything else", anythingWay: "a table, a JSON or a list with titles: seen, wanted, liked or rated films",
      columns: "Your own table? Name its columns", columnsWhy: "Columns called title, year, rating, date, imdb_id or tmdb_id are recognized. After you choose a file, you can name others here.",
      meanings: { title: "Title", year: "Year", rating: "Rating", date: "Date", imdb: "IMDb’s number", tmdb: "TMDB’s number" },
      highest: "Highest rating", detected: "detected", byName: "by name", readAgain: "Read again",
      which: "Which films are these?", whichWhy: "We couldn’t match these. Pick the film, or skip it.", showMore: "Show more", download: "Download this list",
      takeCertain: (n) => `Accept all certain matches (${number(n)})`, taken: (n) => `${films(n)} matched.`,
      toCheck: (n) => `${films(n)} to check: found by the title, without the exact year`, is: (title, match, rule) => [title, " is ", ...match, `: ${rule}`], noYear: "a year is missing", nearYear: "the year is one off",
      row: (n) => `row ${n}`, picked: (row, title) => `“${row}” is ${title}.`, another: "Another film", pickAnother: (title) => `Pick another film than ${title}`, filmFor: (title) => `Film for ${title}`, noGenres: "no genres", id: (id) => `no. ${id}`,
    },

    together: {
      lead: "One list for two to eight people, with a reason for each. Films that one of you has seen are left out.", people: "People", you: "You", noFilms: "no films yet", account: "an account here", remove: (name) => `Remove ${name}`,
      addOf: (name) => ["Add ", name], added: "Added.", fromHome: "Add somebody from your home, or a friend: by a file that they exported, or by a few films that they love.",
      atLeastOne: "Add at least one friend: by a file that they exported, or by a few films that they love.", looking: "Looking for films that suit all of you",
      addFriend: "Add a friend", name: "Name", friend: (n) => `Friend ${n}`, lovedFilm: "A film that your friend loves", lovedHint: "A film your friend loves", file: "Or a file: an export of Letterboxd, IMDb, Trakt, …",
      byAccount: "Or an account here: the link or the token that opens it", orId: ", or its ID", add: "Add", atMost: "At most eight people.", nothingGiven: "Choose a film or two, or a file, or name an account.",
      noToken: "This is no link or token of an account.", deadToken: "This token opens no account, or it has expired.",
      how: "How the list is made", average: "Best on average", leastMisery: "Nobody unhappy", vetoed: "Vetoed: ", undoVeto: (title) => `Undo the veto on ${title}`, veto: "Veto", vetoOf: (title) => `Veto ${title}`,
      none: "We found no film that all of you should like. These come closest.", few: (n) => `Only ${films(n)} of these should please all of you. The others come closest.`,
      averageScore: "average score", whyEach: "Why, for each of you", ends: (least, most) => [...least, " to ", ...most, " stars"], onAverage: "On average ", atLeast: "At least ",
    },

    account: {
      continueAs: (name) => `Continue as ${name}?`, opens: (name) => `This link opens the account of ${name}. The ratings in this browser aren’t added to it; they come back when you leave it.`,
      opensOther: (name, mine) => `This link opens the account of ${name}. This tab has the account of ${mine}.`, yes: (name) => `Continue as ${name}`, keepMine: "Keep my ratings", stay: (name) => `Stay ${name}`,
      gone: "Your account can’t be opened: it was deleted, or its link has expired. Until you open a new link, your ratings stay in this browser.", deadLink: "This link opens no account: it has expired or was revoked.",
      closed: (why) => `Your account can’t be opened: ${why} Your ratings stay in this browser.`,
      needsKey: "This server requires a key", askForKey: "The operator can give you a key, or a link that opens your account.", key: "Key", open: "Open", badKey: "This key is not valid.", withoutIt: "Continuing without it",
    },

    signIn: {
      title: "Sign in", to: "Sign in", toSee: "Sign in to see your films", as: (name) => `Signed in as ${name}`, out: "Sign out", outEverywhere: "Sign out everywhere", loading: "Loading",
      ended: "You are signed out: the session has ended. Until you sign in again, your ratings stay in this browser.", stillIn: (why) => `You are still signed in: ${why}`,
      otherAccount: (name) => `This tab has the account of ${name}, which a link has opened. Leave it under “You” first.`, nobody: "Nobody has an account on this server yet. Its operator can invite you.",
      forgotten: "Password forgotten? The operator can send you a new invitation.", name: "Name", password: "Password", newPassword: "New password", currentPassword: "Current password", show: "Show it",
      welcome: (name) => `Welcome, ${name}`, choose: (n) => `Choose a password of ${n} characters or more. With your name and this password you open your account in any browser.`, open: "Open my account",
      account: "Your account", signedInAs: (name) => ["You are signed in as ", name, "."], change: "Change your password", changeWhy: "Other browsers are signed out then.", changeIt: "Change it", changed: "Your password is changed.",
      addFilms: "Add the films of this browser?", addFilmsWhy: (n, name) => `You have ${films(n)} here from before you signed in. ${n === 1 ? "It" : "They"} can move to the account of ${name}: of two ratings of a film the newer one counts.`,
      addThem: "Add them", keepApart: "Keep them apart", stayHere: (why) => `Your films stay in this browser: ${why}`, joined: (n) => `${films(n)} joined your account.`,
      people: "People who sign in", peopleWhy: "An invitation is a link by which a person chooses a password. It works once. Somebody who has forgotten their password needs a new one.", invite: "Invite",
      hasPassword: "has a password", noPassword: "has no password yet", invitedUntil: (day) => `invited until ${day}`, lastHere: (day) => `last here ${day}`, newInvitation: "New invitation", remove: "Remove",
      removed: (name) => `${name} can’t sign in any more. Their ratings stay.`, copy: "Copy", copied: "Copied", linkOf: (name, day) => `The link of ${name}, until ${day}. It isn’t shown again.`,
    },

    facts: {
      runtime: "Running time", atMost: (n) => `${number(n)} minutes at most`, anyLength: "any length", language: "Language", anyLanguage: "any language", streamsAt: "Streams at", service: "Streaming service", anyService: "any service or none",
      country: "Country of the streaming service", leavesOut: (n) => `Leaves out ${films(n)} without data.`, dataBy: (link) => [" Data by ", link], certification: "Certification", certified: (label, country) => `${label} (${country})`, option: (name, n) => `${name} (${number(n)})`,
      directed: (n) => `directed ${films(n)}`, played: (n) => `played in ${films(n)}`, people: "People", none: "No films are known", noneWhy: (name) => `Nothing in the catalog is known to be by or with ${name}.`,
      filmsOf: (name) => `Films by or with ${name}`,
    },

    trouble: {
      unreachable: "The server can’t be reached.", tooSlow: "The server didn’t answer in time.", noConnection: "No connection to the server", notFound: "Not found", tooMany: "Too many requests", failed: "That didn’t work",
      onPage: "There was an error on the page.", again: "Try again", toYourFilms: "To your films", noPath: "This address leads to nothing here.", noView: "The page has no such view.",
      noFilm: "The address names no film. Search for one.", incomplete: "The address is incomplete.", notSaved: (why) => `Not saved: ${why}`, accountShut: "your account can’t be opened.",
      refused: (title, why) => `Not saved${title ? `: ${title}` : ""}. ${why}`, noStorage: "Not saved: this browser allows no storage, so your changes last only as long as the page is open.",
      waiting: (n) => `The server can’t be reached. ${count(n, { one: "change", other: "changes" })} of yours ${n === 1 ? "is" : "are"} kept in this browser until it is there again.`,
      offline: "You are offline. The page shows earlier data, and your ratings are saved in this browser.",
      offlineAccount: "You are offline. The page shows earlier data, and your ratings are kept in this browser until the server is there again.",
      copy: "The server can’t be reached. The page shows your films as they were; what you rate is kept until it is there again.",
      answered: (status) => `The server answered ${status}.`,
    },

    /** What the server's answers say, by their English sentence; `{}` stands for a value. English shows the sentence itself. */
    answers: {},

    operator: {
      loading: "Loading…", keyNote: "Create one with “cinematrix key create --role admin”. It is stored in this tab only.", badKey: "This is not an admin key. It was not stored.", needsKey: "This page needs an admin key",
      facts: { ratings: "ratings stored", users: "users", lists: "lists sent", coverage: "of the catalog shown", gini: "Gini of what was shown" }, unknownDate: "an unknown date", version: (name, day) => `Version ${name} of ${day}`,
      perDay: "Ratings a day", noneLately: "None in the last 30 days.", received: "Ratings received a day", metrics: "Metrics", noMetrics: "This model has no stored metrics. “cinematrix evaluate” measures it on held-out ratings.",
      measuredOn: (data) => ["On ", data], lastRefit: (state, why) => `Last refit: ${state}${why ? ` (${why})` : ""}.`, noRefit: "No refit yet.", promoted: "Promoted: it serves within seconds.", versions: "Versions",
      stored: "Stored versions", columns: { version: "Version", model: "Model", state: "State" },
      states: { serves: "serves", before: "served before", stored: "stored", asked: "asked", running: "running", refused: "refused", promoted: "promoted", failed: "failed", unchanged: "unchanged" },
      promote: "Promote", promoteOf: (name) => `Promote ${name}`, refitStarted: "Refit started.", refitRuns: "Refit is running…", refit: "Refit now", rolledBack: "Rolled back: the previous version serves within seconds.", rollBack: "Roll back",
      askForce: "Promote a refused version?", force: "Promote anyway", cancel: "Cancel", gateRefused: (name, why) => `The gate refused ${name}${why ? `: ${why}` : ""}.`,
      latency: "Latency", latencyByRoute: "Latency by route", latencyColumns: { route: "Route", requests: "Requests", median: "Median", p99: "99th percentile" },
      newFilms: "New films", csv: "A CSV with movie, title, year and genres. New films are recommended at once, based on their content.", chooseFirst: "Choose a file first.", import: "Import films",
      imported: (created, updated) => `${number(created)} new, ${number(updated)} updated.`, importing: (n, all) => `Importing ${number(n)} of ${number(all)}…`,
      inPart: (counts, why) => `Imported in part: ${counts} Then: ${why}`, notImported: (why) => `Not imported: ${why}`,
      outcomes: "Do people like the lists?", noOutcomes: "Nothing has been counted yet. Only lists of users are counted, not those of visitors.", followed: "What people did about the films on lists",
      outcomeColumns: { list: "List", version: "Version", shown: "Films shown", followed: "What followed" },
      lists: {
        main: "Main list", similar: "Similar films", group: "List for a group", top: "Row “Top picks”", because: "Rows “Because you…”", gems: "Row of little-known films", genre: "Rows of genres", watchlist: "Row of the watchlist",
      },
      ofHundred: (rated, liked, vetoed, seen, wanted) => `Of 100 films shown, ${oneDecimal(rated)} were rated within two weeks${liked === null ? "" : `, ${percent(liked)} of these at or above the user’s mean`}; ${oneDecimal(vetoed)} were refused, ${oneDecimal(seen)} marked as seen, ${oneDecimal(wanted)} put on the watchlist.`,
      tooLittle: "There is too little to compare on yet: 50 users and 20 films rated high are needed on both sides.", chance: "The difference may be chance. Wait, or look again any day: looking doesn’t make it less certain.",
      real: (name, more) => `The difference is real: candidate ${name} pleases ${more ? "more" : "less"}.`, interval: (value, low, high) => `${value} (${low} to ${high})`,
      trial: "Two models side by side", trialShare: (share) => `The candidate makes the lists of ${percent(share)} of the users.`, served: "Served", candidate: "Candidate",
      arm: (who, version, rate, users) => `${who} ${version}: of 100 films shown, ${rate} were rated at or above the user’s mean, by ${count(users, { one: "user", other: "users" })}.`,
    },

    /** Genres by the catalog's name; one that isn't here keeps that name. */
    genres: {
      Action: "Action", Adventure: "Adventure", Animation: "Animation", Biography: "Biography", Children: "Children", Comedy: "Comedy", Crime: "Crime", Documentary: "Documentary", Drama: "Drama", Family: "Family", Fantasy: "Fantasy",
      "Film-Noir": "Film noir", History: "History", Horror: "Horror", Music: "Music", Musical: "Musical", Mystery: "Mystery", Romance: "Romance", "Sci-Fi": "Sci-Fi", "Science Fiction": "Science fiction", Short: "Short", Sport: "Sport",
      Thriller: "Thriller", "TV Movie": "TV movie", War: "War", Western: "Western", "(no genres listed)": "no genres",
    },

    /** Regions of taste by the server's name, besides those that are named after a genre. */
    regions: {
      "film noir": "Film noir", "for children": "For children", "animation in other languages": "Animation in other languages", "drama in other languages": "Drama in other languages", "other languages": "Other languages",
    },
  };
}
