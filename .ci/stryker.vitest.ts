import { defineConfig } from "vitest/config";

/** The tests of the modules that `stryker.json` mutates, those apart that take long. */
export default defineConfig({
  test: {
    include: [
      "test/policy/{edit,edit-properties,patch,select}.test.ts",
      "test/change/guards/*.test.ts",
      "test/change/{apply,cancellation,compare,faults,plan,recovery,undo}.test.ts",
    ],
    testTimeout: 20_000,
  },
});
