/** What the gateway says of itself, in words. What a newer one has invented is shown as it is. */

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

/** `276 KiB`, `1.4 GiB`. */
export function bytesInWords(bytes: number): string {
  const place = Math.min(UNITS.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  const amount = bytes / 1024 ** place;
  return `${place > 0 && amount < 10 ? amount.toFixed(1) : Math.round(amount)} ${UNITS[place]}`;
}

const DURABILITY: Record<string, string> = {
  full: 'full: on the disk before a request is sent',
  normal: 'normal: a power cut may lose the last of them',
};

export const durabilityInWords = (synchronous: string): string => DURABILITY[synchronous] ?? synchronous;

const TRANSPORTS: Record<string, string> = {
  auto: 'auto: the fast one, httpx where a proxy is set',
  lean: 'lean: the fast one',
  httpx: 'httpx',
};

export const transportInWords = (transport: string): string => TRANSPORTS[transport] ?? transport;
