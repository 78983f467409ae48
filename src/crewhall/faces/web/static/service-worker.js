// Shows what Crewhall tells this device while no page of it is looked at, and leads there. It keeps nothing offline.

self.addEventListener("push", (event) => event.waitUntil(show(event.data?.json())));

async function show(told) {
  if (!told) return;
  const pages = await self.clients.matchAll({ type: "window" });
  if (pages.some((page) => page.focused)) return; // the page says so itself
  await self.registration.showNotification(told.title, { body: told.body, tag: told.tag, data: { path: told.path } });
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data.path));
});

async function open(path) {
  const [page] = await self.clients.matchAll({ type: "window" });
  if (!page) return self.clients.openWindow(path);
  await page.focus();
  return page.navigate(path);
}
