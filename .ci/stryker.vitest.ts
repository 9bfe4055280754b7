import { defineConfig } from "vitest/config";

/** The tests of the modules that `stryker.json` mutates, but for those that take long. */
export default defineConfig({
  test: {
    include: [
      "test/policy/{edit,edit-properties,patch,select}.test.ts",
      "test/change/guards/*.test.ts",
      "test/change/{apply,compare,faults,plan,recovery,undo}.test.ts",
    ],
    testTimeout: 20_000,
  },
});
