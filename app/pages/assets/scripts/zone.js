// The server writes times in the zone of the browser, which it knows by this cookie.
const YEAR = 31536000;

export function keepZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const kept = `comfyd_zone=${zone}`;
  if (!zone || document.cookie.split("; ").includes(kept)) return;
  document.cookie = `${kept}; path=/; max-age=${YEAR}; samesite=lax`;
}
