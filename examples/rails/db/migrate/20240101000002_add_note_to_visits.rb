# As slow as MIGRATION_SLEEP (seconds) says, to be interrupted half-way.
class AddNoteToVisits < ActiveRecord::Migration[6.1]
  def change
    add_column :visits, :note, :string
    sleep ENV.fetch("MIGRATION_SLEEP", "0").to_f
  end
end
