// Numbers, written for people. Pure.

export const whole = (number) => Math.round(number).toLocaleString("en");

export const words = (number) => `${whole(number)} ${number === 1 ? "word" : "words"}`;

export function elapsed(milliseconds) {
  const seconds = Math.floor(milliseconds / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const rest = String(seconds % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

export function size(bytes) {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return `${bytes >= 1e7 ? Math.round(bytes / 1e6) : (bytes / 1e6).toFixed(1)} MB`;
}

export function percent(done, total) {
  return total > 0 ? Math.min(100, Math.floor((100 * done) / total)) : 0;
}
