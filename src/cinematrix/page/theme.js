// Runs before the first paint, so that nobody who chose the dark sees a white flash.
try {
  const theme = localStorage.getItem("cinematrix-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage is closed to us: the system's choice holds.
}
