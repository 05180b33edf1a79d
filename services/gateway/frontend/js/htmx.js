// htmx with its extensions. They are imported here, statically: an extension that comes late leaves SSE dead without an error.
import htmx from "htmx.org/dist/htmx.esm.js";
import "htmx.org/dist/ext/hx-sse.js";
import "htmx.org/dist/ext/hx-alpine-compat.js";

htmx.registerExtension("trusted-types", {
  init(api) {
    // The server escapes all it renders; this policy says so, and lets Trusted Types forbid everything else.
    if (window.trustedTypes) {
      const same = (text) => text;
      api.initSecurity(window.trustedTypes.createPolicy("htmx", { createHTML: same, createScript: same }));
    }
  },
});

export default htmx;
