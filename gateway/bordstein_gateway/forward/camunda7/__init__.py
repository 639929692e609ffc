"""Process instances in Camunda 7 and Operaton."""
