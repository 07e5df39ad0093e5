// A page behind the gateway: it signs people in, and then its requests are theirs. There is no token in here,
// no library, and nothing to keep: the browser sends the cookie along, and no script can read it.

const at = (id) => document.getElementById(id)
const say = (text) => (at('said').textContent = text)
const tell = (error) => say(error.message)

/** Asks the gateway. What is not fine becomes an error with the `code` of the problem document. */
async function ask(path, body) {
  const response = await fetch(path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const answer = await response.json()
  if (response.ok) return answer
  // Nobody is signed in any more: because of a logout elsewhere, a new password, or after a long time.
  if (answer.code === 'invalid-token' || answer.code === 'missing-token') show(false)
  throw Object.assign(new Error(answer.title), { code: answer.code })
}

function show(isSignedIn) {
  at('login').hidden = isSignedIn
  at('shop').hidden = !isSignedIn
  if (!isSignedIn) at('orders').replaceChildren()
}

/** Orders of this person, wherever they are made. The socket ends with the access token, and is opened again. */
function follow() {
  show(true)
  const socket = new WebSocket('/orders/socket')
  let isOpen = false
  socket.addEventListener('open', () => {
    isOpen = true
    // Only now, so that none is missed in between.
    list().catch(tell)
  })
  socket.addEventListener('message', ({ data }) => add(JSON.parse(data)))
  socket.addEventListener('close', () => {
    goOn(isOpen).catch(tell)
  })
}

async function list() {
  const { orders } = await ask('/orders')
  for (const order of orders.toReversed()) add(order)
}

async function goOn(wasOpen) {
  const { signed_in: isSignedIn } = await ask('/_portcullis/session')
  if (!isSignedIn) show(false)
  else if (wasOpen) follow()
  else say('Orders cannot be followed at the moment')
}

function add({ id, item, quantity }) {
  if (at(id) !== null) return
  const line = document.createElement('li')
  line.id = id
  line.textContent = `${quantity} ${item}`
  at('orders').prepend(line)
}

/** Does what a form or a button asks for, and says why not. */
const on = (id, event, act) =>
  at(id).addEventListener(event, (happened) => {
    happened.preventDefault()
    say('')
    act(Object.fromEntries(new FormData(id === 'logout' ? undefined : at(id)))).catch(tell)
  })

on('login', 'submit', async (typed) => {
  await ask('/_portcullis/login', typed)
  at('login').reset()
  follow()
})

on('order', 'submit', async ({ item }) => {
  await ask('/orders', { item, quantity: 1 })
  at('order').reset()
})

on('logout', 'click', async () => {
  await ask('/_portcullis/logout', {})
  show(false)
})

const { signed_in: isSignedIn } = await ask('/_portcullis/session')
if (isSignedIn) follow()
else show(false)
