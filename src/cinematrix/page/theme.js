// Runs before the first paint, so that the dark theme starts without a white flash.
try {
  const theme = localStorage.getItem("cinematrix-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Without storage the system's setting applies.
}
