// Runs before the first paint, so that the dark theme starts without a white flash, and the words load with the scripts.
{
  const LANGUAGES = ["en", "de"];
  const root = document.documentElement;
  const item = (/** @type {string} */ name) => {
    try {
      return localStorage.getItem(name);
    } catch {
      return null; // without storage the system's setting applies
    }
  };
  const theme = item("cinematrix-theme");
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  const wanted = [item("cinematrix-language") ?? "", ...navigator.languages.map((tag) => tag.split("-")[0])];
  root.lang = wanted.find((language) => LANGUAGES.includes(language)) ?? "en";
  const { src } = /** @type {HTMLScriptElement} */ (document.currentScript);
  const words = new URL(`words/${root.lang}`, src).href;
  document.head.append(Object.assign(document.createElement("link"), { rel: "modulepreload", href: `${words}.js` }));
  if (root.lang !== "en") document.querySelector("link[rel=manifest]")?.setAttribute("href", `${words}.webmanifest`);
}
