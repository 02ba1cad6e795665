package home

// The names of the gateway's events about itself: those of [KindGateway].
const (
	EventStarted    = "started" // with a [ClockSet] among its facts
	EventStopping   = "stopping"
	EventReloaded   = "reloaded"
	EventGap        = "gap"       // records are gone
	EventClockSet   = "clock_set" // the wall time was set, or is trusted from now on; a [ClockSet] is its detail
	EventBrokerLost = "broker_lost"
	EventBrokerBack = "broker_back"
	EventListening  = "listening" // to which messages of other applications
	EventSetAside   = "set_aside" // RabbitMQ refused a message for its own sake
	EventResent     = "resent"
	EventLedger     = "ledger" // what became of all events

	EventClockSetBack = "clock_set_back" // of versions before the elapsed clock
)

// GatewayEvents lists the names of all events of the gateway about itself, those of earlier
// versions last.
func GatewayEvents() []string {
	return []string{EventStarted, EventStopping, EventReloaded, EventGap, EventClockSet, EventBrokerLost, EventBrokerBack,
		EventListening, EventSetAside, EventResent, EventLedger, EventClockSetBack}
}
