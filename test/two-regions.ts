import type { JsonObject } from "../src/gateway/documents.ts";
import { armId } from "../src/sandbox/world.ts";

/** The demo's pool with West Europe standing by for East US. */
export const twoRegions: JsonObject = {
  type: "Pool",
  pool: {
    services: [
      { id: armId("backends/aoai-eastus"), priority: 1 },
      { id: armId("backends/aoai-westeurope"), priority: 2 },
    ],
  },
};

/** Tripped by five failures a minute of whatever an outage may look like, and without a Retry-After of the backend's choosing. */
export const breakerOfFive = (rule: JsonObject = {}, condition: JsonObject = {}): JsonObject => ({
  rules: [
    {
      name: "breaker",
      failureCondition: {
        count: 5,
        interval: "PT1M",
        statusCodeRanges: [
          { min: 429, max: 429 },
          { min: 500, max: 599 },
        ],
        errorReasons: ["BackendConnectionFailure", "Timeout"],
        ...condition,
      },
      tripDuration: "PT1M",
      acceptRetryAfter: false,
      ...rule,
    },
  ],
});
