// Telling this browser at once: asked for by a button, ended by another, and by whoever signs in here next.

import { call } from "../api.js";
import { toastError } from "../shell/toasts.js";

const WORKER = "/service-worker.js";
const OWNER = "crewhall_device_of";
const CAN = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

/** The subscription of this browser, or null. */
async function subscription() {
  const registration = await navigator.serviceWorker.getRegistration(WORKER);
  return registration ? registration.pushManager.getSubscription() : null;
}

async function subscribe() {
  const { key } = await call("GET", "/notifications/push-key");
  await navigator.serviceWorker.register(WORKER);
  const registration = await navigator.serviceWorker.ready;
  await (await registration.pushManager.getSubscription())?.unsubscribe();
  const made = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  const { endpoint, keys } = made.toJSON();
  await call("POST", "/notifications/devices", { endpoint, keys: { p256dh: keys.p256dh, auth: keys.auth } });
  localStorage.setItem(OWNER, document.body.dataset.viewer);
}

class Device extends HTMLElement {
  async connectedCallback() {
    this.state = this.querySelector("[data-state]");
    this.button = this.querySelector("button");
    this.button.addEventListener("click", () => this.#press());
    await this.#show();
  }

  async #show() {
    if (!CAN) return this.#say("This browser cannot be told, or only from an https address.");
    if (Notification.permission === "denied") {
      return this.#say("This browser refuses notifications of this site. Allow them in its settings, then come back.");
    }
    this.isOn = Boolean(await subscription());
    this.button.hidden = false;
    this.button.textContent = this.isOn ? "Stop telling this browser" : "Tell this browser";
    return this.#say(this.isOn ? "This browser is told at once." : "This browser is not told.");
  }

  #say(text) {
    this.state.textContent = text;
  }

  async #press() {
    this.button.disabled = true;
    try {
      if (this.isOn) await (await subscription())?.unsubscribe();
      else if ((await Notification.requestPermission()) === "granted") await subscribe();
    } catch (error) {
      toastError(error);
    }
    this.button.disabled = false;
    await this.#show();
  }
}

customElements.define("crew-device", Device);

// Whoever signs in at a browser is not told what was meant for who sat there before.
document.addEventListener("turbo:load", async () => {
  const viewer = document.body.dataset.viewer;
  const owner = CAN && localStorage.getItem(OWNER);
  if (!viewer || !owner || owner === viewer) return;
  localStorage.removeItem(OWNER);
  await (await subscription())?.unsubscribe();
});
