import bordstein.app

bordstein.app.run()
