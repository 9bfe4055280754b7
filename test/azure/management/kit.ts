import { gatewayOver, neverAborted, wire } from "../wire.ts";

export const list = (items: readonly Record<string, unknown>[], nextLink?: string) => ({
  body: JSON.parse(JSON.stringify({ value: items, ...(nextLink && { nextLink }) })),
});

export const reader = (answer: Parameters<typeof wire>[0], signal = neverAborted) => {
  const { fetch, sent } = wire(answer);
  return { sent, gateway: gatewayOver(fetch).reader(signal) };
};
