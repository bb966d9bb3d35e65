// Numbers, times and bytes as people read them.
const INTEGER = new Intl.NumberFormat("en");
const DECIMAL = new Intl.NumberFormat("en", { maximumFractionDigits: 3 });
const RATE = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

export function number(value: unknown): string {
  if (typeof value !== "number") return value === null || value === undefined ? "–" : String(value);
  return Number.isInteger(value) ? INTEGER.format(value) : DECIMAL.format(value);
}

export const rate = (value: number) => RATE.format(value);

/** An instant in a time zone; the zone is named once, elsewhere. What is no instant stays as it is. */
export function time(instant: string | null, zone: string): string {
  if (!instant) return "–";
  if (Number.isNaN(Date.parse(instant))) return instant;
  const format = new Intl.DateTimeFormat("sv-SE", {
    timeZone: zone,
    dateStyle: "short",
    timeStyle: "medium",
  });
  return format.format(new Date(instant));
}

export function age(seconds: number): string {
  if (seconds < 120) return `${RATE.format(Math.max(0, seconds))} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** The bytes of base64 text; packed ones are unpacked. */
export async function bytes(payload: string, encoding: string | null): Promise<Uint8Array> {
  const packed = Uint8Array.from(atob(payload), (c) => c.charCodeAt(0));
  if (encoding !== "gzip") return packed;
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(unpacked).arrayBuffer());
}

type Reviver = (key: string, value: unknown, context?: { source?: string }) => unknown;
const raw = (JSON as { rawJSON?: (text: string) => unknown }).rawJSON;

/** JSON with indentation and without some members; other text as it is. */
export function pretty(text: string, without: readonly string[] = []): string {
  // Numbers keep all of their digits, where the browser can do that.
  const exact: Reviver = (_, value, context) =>
    typeof value === "number" && raw && context?.source ? raw(context.source) : value;
  try {
    const value = JSON.parse(text, exact) as unknown;
    if (typeof value !== "object" || value === null || Array.isArray(value)) return text;
    const kept = Object.entries(value).filter(([name]) => !without.includes(name));
    return JSON.stringify(Object.fromEntries(kept), null, 2);
  } catch {
    return text;
  }
}

/** Text if the bytes are text; JSON is indented. */
export function text(data: Uint8Array): string | undefined {
  try {
    const found = new TextDecoder("utf-8", { fatal: true }).decode(data);
    try {
      return JSON.stringify(JSON.parse(found), null, 2);
    } catch {
      return found;
    }
  } catch {
    return undefined;
  }
}

/** Sixteen bytes a line: offset, hexadecimal, characters. */
export function dump(data: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < data.length; at += 16) {
    const part = [...data.subarray(at, at + 16)];
    const hex = part.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const shown = part.map((b) => (b >= 32 && b < 127 ? String.fromCharCode(b) : ".")).join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${hex.padEnd(47)}  ${shown}`);
  }
  return lines.join("\n");
}

export const ZONES = ["UTC", ...Intl.supportedValuesOf("timeZone").filter((z) => z !== "UTC")];

/** Whether it is a time zone's name; a browser lists only one of several for the same zone. */
export function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

export const OWN_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
