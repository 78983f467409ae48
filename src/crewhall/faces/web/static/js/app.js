// The entry: Turbo for navigation, custom elements for what is alive, and a few things the document does everywhere.

import * as Turbo from "../vendor/turbo.js";

import "./conversation/composer.js";
import "./conversation/conversation.js";
import "./conversation/days.js";
import "./conversation/pins.js";
import "./conversation/surroundings.js";
import "./documents/index.js";
import "./documents/leaves.js";
import "./documents/source.js";
import "./documents/standing.js";
import "./imports/import.js";
import "./notifications/devices.js";
import "./notifications/inbox.js";
import "./runs/approvals.js";
import "./runs/run.js";
import "./runs/try.js";
import "./runs/when.js";
import "./shell/candidates.js";
import "./shell/connection.js";
import "./shell/dialogs.js";
import "./shell/found.js";
import "./shell/frames.js";
import "./shell/popovers.js";
import "./shell/searching.js";
import "./shell/sending.js";
import "./shell/shortcuts.js";
import "./shell/sidebar.js";
import "./shell/stars.js";
import "./shell/theme.js";
import "./shell/toasts.js";
import "./shell/zone.js";
import "./wiki/editor.js";
import "./work/board.js";
import "./work/timeline.js";
import "./work/whose.js";

// Turbo's own progress bar would need an inline style, which the page's policy refuses; base.css shows one instead.
Turbo.session.adapter.progressBar = { show() {}, hide() {}, setValue() {} };
