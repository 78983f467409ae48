// Shows what Crewhall tells this device while no page of it is looked at, and leads there. It keeps nothing offline.

// Nothing of an older one is worth waiting for, and pages that were open before are led as later ones are.
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => event.waitUntil(show(event.data?.json())));

const pages = () => self.clients.matchAll({ type: "window", includeUncontrolled: true });

async function show(told) {
  if (!told) return;
  if ((await pages()).some((page) => page.focused)) return; // the page says so itself
  await self.registration.showNotification(told.title, { body: told.body, tag: told.tag, data: { path: told.path } });
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data.path));
});

async function open(path) {
  const found = await pages();
  const page = found.find((one) => one.visibilityState === "visible") ?? found[0];
  try {
    if (page) return await ((await page.navigate(path)) ?? page).focus();
  } catch {
    // A page that this worker does not speak for cannot be led.
  }
  return self.clients.openWindow(path);
}
