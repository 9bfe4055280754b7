import type { Json } from "../gateway/documents.ts";

/** Where Azure serves models: https://learn.microsoft.com/azure/private-link/private-endpoint-dns, the national clouds included. */
const modelHost = /\.(?:openai|cognitiveservices|services\.ai|models\.ai|inference\.ai)\.azure\.(?:com|us|cn)$/i;

export const urlOf = (url: Json | undefined): URL | null => (typeof url === "string" && URL.canParse(url) ? new URL(url) : null);

/** Whether a URL's host is Azure's for models: no one else gets what goes there. */
export const isModelHost = ({ hostname }: URL): boolean => modelHost.test(hostname);
