import { render } from 'preact'
import { App } from './app.tsx'
import { keepTicking } from './data/now.ts'
import { followSystemOrChoice } from './design/appearance.ts'
import { followAddress } from './navigation/route.ts'
import { askAgainWhenShown, askWhoIsSignedIn, watchSession } from './session/session.ts'

const place = document.getElementById('console')
if (place === null) throw new Error('index.html has no place for the console')
followSystemOrChoice()
followAddress()
askAgainWhenShown()
watchSession()
keepTicking()
void askWhoIsSignedIn()
render(<App />, place)
